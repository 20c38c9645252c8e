// A type of a relation on its way to a table of a server: what arrives, in which column.
#pragma once

#include <string>

namespace osiris::worker::test {

struct TypeCase {
  const char* name;
  const char* values;  // of DuckDB's SQL, '|' between them
  const char* type;    // the server's
  const char* rows;    // what it shows of them
};

// The values as the column v, and NULL behind them.
inline std::string select_of(const std::string& values) {
  std::string list = values;
  for (size_t at; (at = list.find('|')) != std::string::npos;) list.replace(at, 1, ", ");
  return "SELECT unnest([" + list + ", NULL]) AS v";
}

}  // namespace osiris::worker::test
