// The text of a file as a scan reads it: the file itself, or what it holds, inflated by a thread beside.
#pragma once

#include <memory>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/inflated_text.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

class ScannedText {
 public:
  // Step and options outlive it.
  ScannedText(StepContext& step, const Options& options) : step_(step), options_(options) {}

  // Before the rest.
  Status open();
  // What is scanned.
  const std::string& path() const { return path_; }

 private:
  StepContext& step_;
  const Options& options_;
  std::string path_;
  std::shared_ptr<InflatedText> inflated_;  // null: a plain file
};

}  // namespace osiris::worker::csv
