// The types of NDJSON that a program left and says nothing of: what DuckDB finds for them, but for values that it would
// change.
#pragma once

#include <duckdb.h>

#include <functional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker::program {

// Text that looks like a date or a UUID is text, within lists and objects too.
ColumnType with_texts(ColumnType type);

// The same of numbers: a DOUBLE column of whole numbers that a double rounds is HUGEINT, one of others besides is text,
// and so is one of numbers beyond every double; `say` gets a line about it. `source_of`: a relation of
// these columns of the file.
struct Column {
  std::string name, type;
};
using SourceOf = std::function<std::string(const std::vector<Column>&)>;
Status keep_digits(duckdb_connection connection, std::vector<FileColumn>& columns, const SourceOf& source_of,
                   const std::function<void(const std::string&)>& say);

}  // namespace osiris::worker::program
