// The first rows of a file that a run wrote, as far as they can be read without an engine: CSV and JSON lines. A page
// that people pass on shows little: ten rows, cut cells, and texts that look like secrets masked.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/model/artifact.h"

namespace osiris {

struct Preview {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  size_t columns_left_out = 0;
  std::string none_because;  // why there are no rows to show; empty: there are
};

// `config` is the step's (cfg/<step>.json): delimiter and header of a CSV file. A file whose size or, up to
// `hash_bytes_max`, whose hash is no longer what the run recorded is not shown.
Preview preview_of(const Artifact& file, const Json& config, uint64_t hash_bytes_max);

}  // namespace osiris
