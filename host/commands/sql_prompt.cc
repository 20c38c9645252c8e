#include "host/commands/sql_prompt.h"

#include <algorithm>
#include <iostream>
#include <vector>

#include "host/compiler/sql_text.h"
#include "protocol/base/text.h"

namespace osiris {

std::optional<size_t> end_of_statement(std::string_view sql) {
  std::vector<size_t> offsets;
  for (size_t at = sql.find(';'); at != std::string_view::npos; at = sql.find(';', at + 1)) offsets.push_back(at);
  const auto positions = positions_in(sql, SqlDialect::kDuckdb, offsets);
  const auto is_code = [](const SqlPosition& position) { return position.place == SqlPlace::kCode; };
  const auto end = std::find_if(positions.begin(), positions.end(), is_code);
  if (end == positions.end()) return std::nullopt;
  return offsets[static_cast<size_t>(end - positions.begin())] + 1;
}

void read_statements(const CommandContext& context, const std::function<void(const std::string&)>& run) {
  std::string sql, line;
  const auto is_blank = [&] { return trim(sql).find_first_not_of("; \t\r\n") == std::string::npos; };
  for (;;) {
    print_out(context, is_blank() ? "sql> " : "...> ");
    if (!std::getline(std::cin, line)) break;
    if (is_blank() && (trim(line) == "\\q" || trim(line) == "exit" || trim(line) == "quit")) return;
    sql += line + "\n";
    while (const auto end = end_of_statement(sql)) {
      const std::string statement = sql.substr(0, *end);
      sql.erase(0, *end);
      if (trim(statement) != ";") run(statement);
    }
    if (is_blank()) sql.clear();
  }
  print_out(context, "\n");
  if (!is_blank()) run(sql);
}

}  // namespace osiris
