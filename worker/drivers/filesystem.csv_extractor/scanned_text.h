// The text of a file as a scan reads it, and the check beside it whether DuckDB reads it as we do.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/inflated_text.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

class ScannedText {
 public:
  // Step and options outlive it. `first_line`: as for text_is_plain().
  ScannedText(StepContext& step, const Options& options, uint64_t first_line)
      : step_(step), options_(options), first_line_(first_line) {}
  ~ScannedText() { done_ = true; }  // the check ends early
  ScannedText(const ScannedText&) = delete;
  ScannedText& operator=(const ScannedText&) = delete;

  // Before the rest. A plain file is read by a thread beside; a compressed one is looked at while it is inflated.
  Status open();
  // What DuckDB reads.
  const std::string& path() const { return path_; }
  // After a scan of the whole.
  Result<bool> is_plain();

 private:
  StepContext& step_;
  const Options& options_;
  const uint64_t first_line_;
  std::string path_;
  std::shared_ptr<InflatedText> inflated_;  // null: a plain file
  std::atomic<bool> done_{false};
  std::future<Result<bool>> check_;  // its thread ends before the rest goes
};

}  // namespace osiris::worker::csv
