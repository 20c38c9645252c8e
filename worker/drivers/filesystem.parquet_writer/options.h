// The step's config: defaults filled in, the path resolved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::parquet_out {

struct Options {
  OutputFile file;
  std::vector<std::string> columns;  // empty: all, as the input has them
  std::string compression = "zstd";
  uint64_t row_group_size = 122'880;
  std::vector<std::string> partition_by;  // then `file` is a directory
  bool create_dirs = true;

  // What COPY is told, each with a comma before it.
  std::string copy_options() const;
};

Result<Options> read_options(const StepContext& step);

}  // namespace osiris::worker::parquet_out
