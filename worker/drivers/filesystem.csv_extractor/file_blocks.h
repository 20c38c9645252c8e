// Blocks of several files, one after the other, as if they were one: those of a file's shards, in their order.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"

namespace osiris::worker::csv {

class FileBlocks {
 public:
  // Opens one of the files to be read; what it holds is closed with the function.
  using Open = std::function<RecordBlocks::Read(size_t file)>;
  // `skip_lines`: of each file, before its first record.
  FileBlocks(Open open, std::vector<uint64_t> skip_lines, char delimiter)
      : open_(std::move(open)), skip_lines_(std::move(skip_lines)), delimiter_(delimiter) {}

  // [any thread] As RecordBlocks::next(): numbers go on from file to file, and the block says whose it is.
  Result<bool> next(TextBlock& block);
  uint64_t bytes_read() const { return bytes_before_ + bytes_now_; }

 private:
  const Open open_;
  const std::vector<uint64_t> skip_lines_;
  const char delimiter_;
  std::mutex mutex_;
  size_t file_ = 0;
  uint64_t blocks_ = 0;
  std::unique_ptr<RecordBlocks> now_;  // of file_; null: it is not open yet
  std::atomic<uint64_t> bytes_before_{0}, bytes_now_{0};
};

}  // namespace osiris::worker::csv
