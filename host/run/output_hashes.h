// Outputs hashed by the host beside later steps: each is read as soon as its step has completed, by one thread, so that
// the proof at a run's end waits for the last of them only. A hash counts while the file is the one that was read.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/run/output_proof.h"
#include "protocol/base/clock.h"
#include "protocol/base/sha256.h"

namespace osiris {

class OutputHashes {
 public:
  // The clock outlives it.
  OutputHashes(std::vector<PlannedOutput> planned, const Clock& clock) : planned_(std::move(planned)), clock_(clock) {}
  ~OutputHashes();  // does not wait for what is not read yet
  OutputHashes(const OutputHashes&) = delete;
  OutputHashes& operator=(const OutputHashes&) = delete;

  const std::vector<PlannedOutput>& planned() const { return planned_; }
  // [any thread] Reads the step's outputs, as far as they are at their targets: those of a remote run come later.
  void step_completed(std::string_view step_id);
  // [any thread] The hash of what is at `target`, which has `info` now, if that is what was read. Waits for what
  // step_completed() asked for.
  std::optional<FileDigest> of(const std::filesystem::path& target, const struct stat& info);

 private:
  struct Read {
    struct stat info{};
    FileDigest digest;
  };
  void work();
  std::optional<Read> read(const std::filesystem::path& target) const;

  const std::vector<PlannedOutput> planned_;
  const Clock& clock_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::filesystem::path> waiting_;  // the first is being read
  std::map<std::filesystem::path, Read> read_;
  std::thread thread_;  // made for the first output
};

}  // namespace osiris
