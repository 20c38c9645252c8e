// Rows and bytes of a scan as the step reports them, some rows apart.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <system_error>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

class ScanReport {
 public:
  // Both outlive it. `bytes`: of several files; 0: it is the one of the options.
  ScanReport(StepContext& step, const Options& options, uint64_t bytes = 0)
      : step_(step), options_(options), file_bytes_(bytes) {
    if (bytes > 0) return;
    std::error_code code;
    const uint64_t size = std::filesystem::file_size(options.file, code);
    if (!code && options.limit == UINT64_MAX) file_bytes_ = size;
  }

  uint64_t file_bytes() const { return file_bytes_; }  // 0: unknown
  // [any thread] False when the scan should stop. `percent`: of the file, which is read ahead of the rows; negative:
  // unknown.
  bool rows(uint64_t total, const std::function<double()>& percent) {
    if (total < next_) return true;
    const std::lock_guard lock(mutex_);
    if (total >= next_) {
      next_ = total - total % options_.chunk_size + options_.chunk_size;
      const uint64_t shown = std::min(total, options_.limit);
      if (shown > reported_) step_.progress(reported_ = shown);
      if (file_bytes_ != 0) report_bytes(percent());
    }
    return !step_.is_cancelled();
  }
  void all(uint64_t rows) {
    step_.progress(rows);
    if (file_bytes_ != 0) step_.progress_bytes(file_bytes_, file_bytes_);
  }

 private:
  void report_bytes(double percent) {
    if (percent >= 0)
      step_.progress_bytes(static_cast<uint64_t>(percent / 100 * static_cast<double>(file_bytes_)), file_bytes_);
  }

  StepContext& step_;
  const Options& options_;
  uint64_t file_bytes_ = 0;  // 0: unknown
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  uint64_t reported_ = 0;  // guarded by mutex_
};

}  // namespace osiris::worker::csv
