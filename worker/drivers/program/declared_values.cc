#include "worker/drivers/program/declared_values.h"

#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::program {
namespace {

constexpr size_t kShownBytes = 100;

}  // namespace

std::string declared_casts(const DeclaredColumns& columns) {
  std::string list;
  for (const auto& [name, type] : columns) {
    const std::string quoted = sql::quote_identifier(name);
    list += (list.empty() ? "CAST(" : ", CAST(") + quoted + " AS " + type + ") AS " + quoted;
  }
  return list;
}

std::vector<std::string> changes_of_texts(const DeclaredColumns& columns, const std::string& as_text) {
  std::vector<std::string> changes;
  for (const auto& [name, type] : columns)
    changes.push_back(text_changes(type, "(" + sql::quote_identifier(name) + as_text + ")"));
  return changes;
}

Result<std::optional<ChangedValue>> changed_value(duckdb_connection connection, const DeclaredColumns& columns,
                                                  const std::vector<std::string>& changes, const std::string& source) {
  std::string looks;
  std::vector<size_t> looked_at;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].empty()) continue;
    looked_at.push_back(i);
    looks += (looks.empty() ? "" : ", ") + ("first(CAST(" + sql::quote_identifier(columns[i].first) +
                                            " AS VARCHAR)) FILTER (WHERE " + changes[i] + ")");
  }
  if (looked_at.empty()) return std::optional<ChangedValue>();
  OSIRIS_ASSIGN(sql::QueryResult found, sql::run_query(connection, "SELECT " + looks + " FROM " + source));
  for (size_t at = 0; at < looked_at.size(); ++at) {
    if (duckdb_value_is_null(found.get(), at, 0)) continue;
    const auto& [name, type] = columns[looked_at[at]];
    std::string value = found.text(at);
    if (value.size() > kShownBytes) value = value.substr(0, kShownBytes) + "…";
    return std::optional(ChangedValue{name, type, std::move(value)});
  }
  return std::optional<ChangedValue>();
}

Result<std::optional<std::string>> too_wide_for_json(duckdb_connection connection,
                                                     const std::vector<std::string>& decimals,
                                                     const std::string& source) {
  std::string looks;
  for (const std::string& column : decimals)
    looks +=
        (looks.empty() ? "" : ", ") +
        ("coalesce(bool_or(len(list_filter(regexp_extract_all(regexp_replace(CAST(" + sql::quote_identifier(column) +
         " AS VARCHAR), '\"([^\"\\\\]|\\\\.)*\"', '', 'g'), "
         "'[0-9]+\\.[0-9]+([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+'), lambda number: "
         "length(regexp_replace(regexp_replace(number, '[eE].*', ''), '^[0.]*|[0.]*$|\\.', '', 'g')) > 15)) > 0), "
         "false)::INTEGER");
  if (looks.empty()) return std::optional<std::string>();
  OSIRIS_ASSIGN(sql::QueryResult found, sql::run_query(connection, "SELECT " + looks + " FROM " + source));
  for (size_t i = 0; i < decimals.size(); ++i)
    if (found.integer(i) != 0) return std::optional(decimals[i]);
  return std::optional<std::string>();
}

}  // namespace osiris::worker::program
