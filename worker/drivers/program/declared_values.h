// What a program's output holds for the columns that its step declares: the values that would not stay what they are.
#pragma once

#include <duckdb.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::program {

using DeclaredColumns = std::vector<std::pair<std::string, std::string>>;  // name and type

// CAST("a" AS DATE) AS "a", …
std::string declared_casts(const DeclaredColumns& columns);

// For each column the condition on which its type changes a text, or nothing. `as_text`: what follows the name to make
// a text of it.
std::vector<std::string> changes_of_texts(const DeclaredColumns& columns, const std::string& as_text);

struct ChangedValue {
  std::string column, type, value;
};
// The first value of `source` that meets its column's condition.
Result<std::optional<ChangedValue>> changed_value(duckdb_connection connection, const DeclaredColumns& columns,
                                                  const std::vector<std::string>& changes, const std::string& source);

// The first DECIMAL column for which `source`, JSON, has a number of more digits than a JSON number keeps: one with a
// fraction is read as a double, which keeps 15.
Result<std::optional<std::string>> too_wide_for_json(duckdb_connection connection,
                                                     const std::vector<std::string>& decimals,
                                                     const std::string& source);

}  // namespace osiris::worker::program
