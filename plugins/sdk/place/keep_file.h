// What this user remembers of machines that are kept between runs: <state_dir>/<adapter>/sandbox-<run id>, of the run
// that created one. A run locks its file before it asks for a machine, and a run that takes the machine over locks it
// in turn, so that a second run of the same pipeline at the same time takes another one. Its content is written by a
// run that ended in order and taken out by the next one: a file without content that no process holds is of a run that
// died, and its machine is in an unknown state.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "protocol/base/error.h"
#include "protocol/base/file_lock.h"

namespace osiris::sdk {

class KeepFile {
 public:
  // Makes and locks the file of a run that is about to create a machine. nullopt: another process holds it.
  static Result<std::optional<KeepFile>> create(const std::filesystem::path& directory, const std::string& run_id);
  // Locks the file of the run that created a machine. nullopt: another process holds it, or it was not made here
  // (local_mark.h): then nothing is known of that machine, and another machine's run may be using it.
  static Result<std::optional<KeepFile>> open(const std::filesystem::path& directory, const std::string& run_id);

  // What the last run left, in order.
  struct Memory {
    std::string machine_id;
    std::set<std::string> files;  // input files, by their paths in the machine, which the next run need not send
  };
  std::optional<Memory> memory() const;
  // From now on until remember() the machine is in an unknown state.
  Status forget() const;
  Status remember(const Memory& memory) const;
  // The machine is gone.
  void remove();

 private:
  KeepFile(std::filesystem::path path, FileLock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  Status write(const std::string& text) const;
  std::filesystem::path path_;
  FileLock lock_;
};

}  // namespace osiris::sdk
