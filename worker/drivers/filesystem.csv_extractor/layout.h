// Which columns a file has and which of them become the relation, under which names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

struct Column {
  std::string name;
  size_t field = 0;                  // its place in a record
  std::optional<ForcedType> forced;  // from `dtype`
  bool is_date = false;  // named in `parse_dates`, or forced to datetime64: kept as text until all rows are in
};

struct Layout {
  size_t fields = 0;  // of a full record
  std::vector<Column> columns;
};

// Names as pandas gives them: an empty one becomes "Unnamed: <place>", the second "a" becomes "a.1". Names that differ
// only in case count as equal too, because SQL does not tell them apart.
std::vector<std::string> unique_names(std::vector<std::string> header);

// `header` is what the file calls its columns (or the numbers 0, 1, ... without a header). kInvalidArgument when
// `columns`, `dtype` or `parse_dates` name a column that is not there.
Result<Layout> make_layout(const Options& options, std::vector<std::string> header);

}  // namespace osiris::worker::csv
