// The step's config as the loaders need it: defaults filled in, paths resolved, names of types and encodings
// understood.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/files/byte_source.h"
#include "worker/drivers/filesystem.csv_extractor/encoding.h"
#include "worker/drivers/filesystem.csv_extractor/forced_type.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

using files::ByteSource;
using files::check_intact;
using files::Compression;
using files::open_bytes;

enum class OnBadLines { kError, kWarn, kSkip };

struct SourceFile {
  std::string path;  // as the pipeline would write it
  std::filesystem::path absolute;
  Compression compression = Compression::kNone;
};

// What the values of all shards of a step make of a column.
struct SettledColumn {
  KindTracker values;
  std::string dates;       // the type of a column of dates, "TIMESTAMPTZ", or "VARCHAR"; empty: it is none
  int offset_minutes = 0;  // of all values of a TIMESTAMPTZ
  std::string why_text;    // of dates that stay text
};

struct Options {
  std::filesystem::path file;
  std::vector<SourceFile> joined;  // where the path stands for those of several shards: all of them; else empty
  char delimiter = ',';
  char quote = '"';
  char escape = '\0';   // none
  char comment = '\0';  // none
  NumberFormat numbers;
  Encoding encoding = Encoding::kUtf8;
  std::string encoding_name = "utf-8";
  Compression compression = Compression::kNone;
  std::optional<uint64_t> header_row = 0;  // which record names the columns; none: they are numbered
  std::optional<std::vector<std::string>> columns;
  uint64_t skip_rows = 0;
  uint64_t limit = UINT64_MAX;
  bool parse_all_dates = false;
  std::vector<std::string> date_columns;
  std::vector<std::pair<std::string, ForcedType>> dtypes;
  NullWords nulls;
  bool skip_blank_lines = true;
  OnBadLines on_bad_lines = OnBadLines::kError;
  std::map<std::string, SettledColumn> settled;  // by name in lower case; empty: the file's own values decide
  bool is_settled_by_all = false;                // its records; false: by their first ones
  const SettledColumn* settled_column(const std::string& name) const;
  uint64_t chunk_size = 10000;  // rows between two looks at cancellation, and between two reports of progress
};

// kNotFound and kInvalidArgument; the texts are Python Osiris's.
Result<Options> read_options(StepContext& step);
// All but the file, which may be none.
Result<Options> read_settings(StepContext& step);

}  // namespace osiris::worker::csv
