#include "worker/drivers/postgres.extractor/key_column.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::postgres {

Error refused_column(const std::string& key, const std::string& column, const std::string& what,
                     const std::string& hint) {
  return Error(Code::kStepFailed, "PostgreSQL query failed: " + key + " names column '" + column + "', " + what, hint,
               category::kExtractQueryFailed);
}

Result<uint32_t> place_of_column(const Answer& description, const std::string& key, const std::string& column) {
  std::vector<std::string> names;
  for (size_t i = 0; i < description.columns(); ++i)
    names.emplace_back(PQfname(description.get(), static_cast<int>(i)));
  const auto found = std::find(names.begin(), names.end(), column);
  if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
  const auto near = nearest(column, names);
  return refused_column(key, column, "which is none of the result",
                        near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
}

db::KeyedRows keyed_rows(Connection& connection, std::string rows, const std::string& name) {
  db::KeyedRows keyed;
  keyed.rows = std::move(rows);
  keyed.key = name;
  keyed.text = name + "::text";
  keyed.writes_skipped = true;
  keyed.literal = [](const std::string& text) { return sql::quote_literal(text); };
  keyed.ask = [&connection](const std::string& statement) -> Result<std::optional<std::string>> {
    OSIRIS_ASSIGN(const Answer answer, connection.ask(statement));
    return answer.rows() == 0 ? std::nullopt : std::optional(answer.text(0, 0));
  };
  return keyed;
}

}  // namespace osiris::worker::postgres
