#include "worker/drivers/filesystem.csv_extractor/scanned_text.h"

namespace osiris::worker::csv {

Status ScannedText::open() {
  path_ = options_.file.native();
  if (options_.compression == Compression::kNone) return {};
  OSIRIS_ASSIGN(inflated_, InflatedText::offer(step_.connection_handle(), options_));
  path_ = inflated_->path();
  return {};
}

}  // namespace osiris::worker::csv
