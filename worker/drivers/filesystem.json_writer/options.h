// The step's config: defaults filled in, the path resolved.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/files/compression.h"

namespace osiris::worker::json_out {

struct Options {
  OutputFile file;
  bool is_lines = false;             // a record a line; otherwise an array
  std::vector<std::string> columns;  // empty: all, as the input has them
  files::Compression compression = files::Compression::kNone;
  std::vector<std::string> partition_by;  // then `file` is a directory
  bool create_dirs = true;
};

Result<Options> read_options(const StepContext& step);

}  // namespace osiris::worker::json_out
