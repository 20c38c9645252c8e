// PostgREST's conditions, read as PostgREST reads them, as SQL.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace osiris::test {

// Of a URL, decoded, in their order.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// What PostgREST refuses with 400 and PGRST100.
struct ParseError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string quote_name(std::string_view name);
std::string quote_text(std::string_view text);

// "" or " WHERE ...": of all parameters that are filters. Throws ParseError.
std::string where_of(const Parameters& parameters);
// The list of a SELECT, of `select`: columns, renamed and cast; no other tables and no paths into JSON.
std::string select_of(const std::string& select);
// "" or " ORDER BY ...".
std::string order_of(const std::string& order);
// Column names of `columns` and `on_conflict`.
std::vector<std::string> names_of(const std::string& list);

}  // namespace osiris::test
