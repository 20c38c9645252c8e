// The step's config: the files found, defaults filled in.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/files/compression.h"

namespace osiris::worker::json_in {

struct SourceFile {
  MatchedFile place;
  files::Compression compression = files::Compression::kNone;
  bool is_lines = false;  // a record a line
  std::string members;    // what the directories of its path tell: "year":2025,"month":"01"
};

struct Options {
  std::vector<SourceFile> files;
  std::vector<std::pair<std::string, std::string>> columns;  // name and type; empty: by the records
  uint64_t limit = UINT64_MAX;
};

Result<Options> read_options(StepContext& step);
// Options::columns alone.
Result<std::vector<std::pair<std::string, std::string>>> declared_types(StepContext& step);

}  // namespace osiris::worker::json_in
