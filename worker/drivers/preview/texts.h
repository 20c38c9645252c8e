// Rows on their way to a person: each value as the engine's text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::preview {

// A document is read whole: this many characters of a value are in it, and "…" after them where there are more.
inline constexpr size_t kCellCharactersMax = 1000;
inline constexpr uint64_t kRowsMax = 10'000;

struct Column {
  std::string name;
  std::string type;  // as the engine spells it
  // Values of it have an order that means something to a person.
  bool has_range() const;
};

// The columns of a step's input.
Result<std::vector<Column>> columns_of(duckdb_connection connection, const std::string& input);

// A column's value as text, of which texts() shows the beginning: an SQL expression.
std::string text_of(const std::string& expression);

// At most kCellCharactersMax of its characters.
std::string shown_text(std::string text);

// A row of such expressions as one value, a list: ten thousand columns of a result, of a comparison or of a sort cost
// the engine far more than one.
std::string row_of(const std::vector<std::string>& texts);

// The rows of `select`, whose one column is a row_of(): an array of arrays, null for NULL.
Result<Json> rows_of_texts(duckdb_connection connection, const std::string& select);

// How many rows the step's config wants to see.
uint64_t rows_wanted(const StepContext& step);

// Writes the document at `path` of the step's config and declares it.
Status write_document(StepContext& step, const Json& document);

}  // namespace osiris::worker::preview
