#include "host/cache/volatile_sql.h"

#include <algorithm>
#include <array>

#include "host/compiler/sql_text.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// Those that are written without parentheses count wherever they stand.
constexpr std::array<std::string_view, 15> kWords = {
    "current_catalog", "current_date", "current_localtime", "current_localtimestamp", "current_role",
    "current_schema",  "current_time", "current_timestamp", "information_schema",     "localtime",
    "localtimestamp",  "sample",       "sqlite_master",     "sqlite_schema",          "tablesample"};
// What the engine says of itself.
constexpr std::array<std::string_view, 3> kPrefixes = {"duckdb_", "pragma_", "pg_"};

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

bool is_word(std::string_view name) {
  return std::find(kWords.begin(), kWords.end(), name) != kWords.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// What stands behind a name calls it, or may: a comment can be between the two.
bool is_call(std::string_view behind) {
  if (behind.starts_with('"')) behind.remove_prefix(1);
  behind = trim(behind);
  return behind.starts_with('(') || behind.starts_with("/*") || behind.starts_with("--");
}

}  // namespace

const std::vector<std::string_view>& volatile_functions() {
  static const std::vector<std::string_view> kNames = {"age",
                                                       "current_connection_id",
                                                       "current_database",
                                                       "current_query",
                                                       "current_query_id",
                                                       "current_schemas",
                                                       "current_setting",
                                                       "current_transaction_id",
                                                       "current_user",
                                                       "currval",
                                                       "gen_random_uuid",
                                                       "get_current_time",
                                                       "get_current_timestamp",
                                                       "getenv",
                                                       "getvariable",
                                                       "in_search_path",
                                                       "nextval",
                                                       "now",
                                                       "query",
                                                       "query_table",
                                                       "random",
                                                       "setseed",
                                                       "sleep_ms",
                                                       "stats",
                                                       "today",
                                                       "transaction_timestamp",
                                                       "txid_current",
                                                       "user",
                                                       "uuid",
                                                       "uuidv4",
                                                       "uuidv7",
                                                       "write_log"};
  return kNames;
}

std::string volatile_name_in(std::string_view sql) {
  std::vector<size_t> offsets;
  std::vector<std::string> names;
  for (size_t at = 0; at < sql.size();) {
    if (!begins_name(sql[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < sql.size() && continues_name(sql[end])) ++end;
    std::string name = ascii_lower(sql.substr(at, end - at));
    const bool is_part = at > 0 && (continues_name(sql[at - 1]) || sql[at - 1] == '$');
    const auto& functions = volatile_functions();
    const bool is_function = std::binary_search(functions.begin(), functions.end(), name);
    if (!is_part && (is_word(name) || (is_function && is_call(sql.substr(end))))) {
      offsets.push_back(at);
      names.push_back(std::move(name));
    }
    at = end;
  }
  if (names.empty()) return {};
  const std::vector<SqlPosition> positions = positions_in(sql, SqlDialect::kDuckdb, offsets);
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i].place == SqlPlace::kCode || positions[i].place == SqlPlace::kName) return names[i];
  return {};
}

}  // namespace osiris
