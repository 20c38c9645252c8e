// The SQL in a pipeline: where it stands, and what its quotes and comments enclose. Nothing here judges SQL; a
// dialect's quoting is all it knows.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/components/registry.h"
#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"

namespace osiris {

enum class SqlDialect { kDuckdb, kMysql };

struct SqlText {
  SqlDialect dialect = SqlDialect::kDuckdb;
  std::string location;  // "steps[2].config.query"
};
using SqlTexts = std::map<const YamlNode*, SqlText>;

// The texts that the steps' components say are SQL (x-osiris: sql), and the queries of checks. For a tree whose nodes
// stay where they are.
SqlTexts find_sql(const YamlNode& root, const ComponentRegistry& registry);

// What encloses a place in SQL.
enum class SqlPlace {
  kCode,
  kText,        // '...'
  kName,        // "..." (a text in MySQL)
  kBackticks,   // `...`
  kDollarText,  // $$...$$ or $tag$...$tag$
  kLineComment,
  kBlockComment,
};

struct SqlPosition {
  SqlPlace place = SqlPlace::kCode;
  bool is_between = true;  // false inside bytes that mean something together: a doubled quote, an escape, a "*/"
  friend bool operator==(const SqlPosition&, const SqlPosition&) = default;
};

// What encloses each of the bytes at `offsets`, which ascend; an offset behind the end asks for what is open there.
// `backslash_escapes`: whether a backslash hides the next byte of MySQL's texts, which is a setting of the server's.
std::vector<SqlPosition> positions_in(std::string_view sql, SqlDialect dialect, const std::vector<size_t>& offsets,
                                      bool backslash_escapes = true);

// The $names in code, each once, in the order they come. `$1` and a '$' inside another name are none.
std::vector<std::string> bound_names_in(std::string_view sql, SqlDialect dialect);

// What `values` (a mapping, or null) and the $names of `sql` do not agree in, at the place of the value or of the text:
// a name without a value (missing_sql_value), a value that no name uses (unused_sql_value). `has_shard`: $shard is
// there without being said.
void check_bound_names(const YamlNode& sql, const SqlText& text, const YamlNode* values, bool has_shard,
                       Diagnostics& diagnostics);

}  // namespace osiris
