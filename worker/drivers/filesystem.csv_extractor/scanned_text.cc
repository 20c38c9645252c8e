#include "worker/drivers/filesystem.csv_extractor/scanned_text.h"

#include "worker/drivers/filesystem.csv_extractor/quote_check.h"

namespace osiris::worker::csv {

Status ScannedText::open() {
  if (options_.compression != Compression::kNone) {
    OSIRIS_ASSIGN(inflated_, InflatedText::offer(step_.connection_handle(), options_, first_line_));
    path_ = inflated_->path();
    return {};
  }
  path_ = options_.file.native();
  check_ = std::async(std::launch::async, [this] {
    return text_is_plain(options_, first_line_, [this] { return done_ || step_.is_cancelled(); });
  });
  return {};
}

Result<bool> ScannedText::is_plain() { return inflated_ ? Result<bool>(inflated_->is_plain()) : check_.get(); }

}  // namespace osiris::worker::csv
