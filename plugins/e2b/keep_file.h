// What this user remembers of one sandbox that is kept between runs: <state_dir>/e2b/sandbox-<id>. The run that uses the sandbox
// holds the file's lock, so that a second run of the same pipeline takes another; its content is the list of input files that the
// last run left in the sandbox, which the next one need not send.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "protocol/base/error.h"
#include "protocol/base/subprocess.h"

namespace osiris::e2b {

class KeepFile {
 public:
  // nullopt: another run holds it.
  static Result<std::optional<KeepFile>> lock(const std::filesystem::path& directory, const std::string& sandbox_id);

  // Paths in the sandbox; none when nothing (readable) is remembered.
  std::set<std::string> files() const;
  Status remember(const std::set<std::string>& files) const;
  // The sandbox is gone.
  void remove();

 private:
  KeepFile(std::filesystem::path path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::filesystem::path path_;
  FileDescriptor fd_;
};

}  // namespace osiris::e2b
