#include "worker/drivers/filesystem.csv_extractor/file_blocks.h"

namespace osiris::worker::csv {

Result<bool> FileBlocks::next(TextBlock& block) {
  const std::lock_guard lock(mutex_);
  for (; file_ < skip_lines_.size(); ++file_) {
    if (!now_) now_ = std::make_unique<RecordBlocks>(open_(file_), delimiter_, skip_lines_[file_]);
    OSIRIS_ASSIGN(const bool more, now_->next(block));
    bytes_now_ = now_->bytes_read();
    if (more) {
      block.file = file_;
      block.number = blocks_++;
      return true;
    }
    bytes_before_ += bytes_now_.exchange(0);
    now_.reset();
  }
  return false;
}

}  // namespace osiris::worker::csv
