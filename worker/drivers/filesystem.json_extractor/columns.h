// Which columns the records become: types, how each value stands in the lines, and what is said about it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "worker/driver_api/column_type.h"
#include "worker/drivers/filesystem.json_extractor/options.h"
#include "worker/drivers/filesystem.json_extractor/record_lines.h"
#include "worker/drivers/filesystem.json_extractor/shape.h"

namespace osiris::worker::json_in {

struct Column {
  std::string name;
  std::string type;   // of the relation, as SQL
  std::string lines;  // in the lines, as SQL
  Form form = Form::kAsIs;
  bool is_declared = false;
};

// Of `columns`, by what the step says; their values stand as text, and DuckDB casts that.
std::vector<Column> declared_columns(const Options& options);

// Of all keys. What is not of one type is kept as text or JSON, and `say` gets a line about it. kInvalidArgument for
// keys that cannot be columns.
Result<std::vector<Column>> found_columns(const Shape& record, const std::function<void(const std::string&)>& say);

// Of found_columns(), as the shards of a step are given them: {"columns": [{"name", "type", "lines", "form"}]}; back,
// none for null.
Json to_json(const std::vector<Column>& columns);
std::vector<Column> columns_from_json(const Json& json);

Forms forms_of(const std::vector<Column>& columns);

// Whether the text `value`, an SQL expression that is not NULL, is a value of the type exactly: an SQL condition.
std::string fits_condition(const Column& column, const std::string& value);

}  // namespace osiris::worker::json_in
