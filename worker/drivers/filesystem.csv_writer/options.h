// The step's config as the writer needs it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/files/compression.h"
#include "worker/drivers/filesystem.csv_writer/encoder.h"

namespace osiris::worker::csv_out {

enum class Quoting { kMinimal, kAll, kNonNumeric };
enum class ColumnOrder { kName, kQuery };

struct Options {
  OutputFile file;
  files::Compression compression = files::Compression::kNone;
  char delimiter = ',';
  char quote = '"';
  char escape = '\0';  // none: a quote inside quotes is doubled
  char decimal = '.';
  bool header = true;
  ColumnOrder column_order = ColumnOrder::kName;
  std::vector<std::string> columns;  // only these, in this order; empty: all
  Encoding encoding = Encoding::kUtf8;
  std::string encoding_name = "utf-8";
  std::string line_end = "\n";
  Quoting quoting = Quoting::kMinimal;
  uint64_t chunk_size = 1000;  // rows formatted and written at once, between two looks at cancellation
  bool create_dirs = true;
};

Result<Options> read_options(const StepContext& step);

}  // namespace osiris::worker::csv_out
