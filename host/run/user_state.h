// What is this user's rather than a project's, in $XDG_STATE_HOME/osiris: the owner id that marks remote resources as
// theirs, and one locked file per run that holds some, so that leftovers of dead runs can be told from resources in
// use.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/project/environment.h"
#include "protocol/base/error.h"
#include "protocol/base/file_lock.h"

namespace osiris {

class UserState {
 public:
  // In user_state_directory().
  explicit UserState(const Environment& environment);
  explicit UserState(std::filesystem::path directory) : directory_(std::move(directory)) {}
  const std::filesystem::path& directory() const { return directory_; }

  // Made once, at random. [several processes]
  Result<std::string> owner_id() const;

  // A run that may hold remote resources, from begin() until the death of this process. Its file says so afterwards,
  // unless end() was called.
  class Run {
   public:
    Run() = default;
    Run(Run&&) noexcept = default;
    Run& operator=(Run&&) noexcept = default;
    ~Run() { end(); }
    // Nothing is held any more.
    void end();
    // Something may be held still: the run counts as dead from now on.
    void leave() { lock_.give_back(); }

   private:
    friend class UserState;
    Run(std::filesystem::path file, FileLock lock) : file_(std::move(file)), lock_(std::move(lock)) {}
    std::filesystem::path file_;
    FileLock lock_;
  };
  Result<Run> begin(const std::string& run_id) const;
  // The ids of runs whose process lives.
  std::vector<std::string> live_run_ids() const;
  // The ids of runs that were begun in this directory on this machine and died, or were left. A run that could not be
  // begun is in neither list, nor is one whose file came here as a copy.
  std::vector<std::string> dead_run_ids() const;

 private:
  std::vector<std::string> run_ids(bool live) const;

  std::filesystem::path directory_;
};

}  // namespace osiris
