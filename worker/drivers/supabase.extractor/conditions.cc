#include "worker/drivers/supabase.extractor/conditions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/supabase.extractor/selection.h"

namespace osiris::worker::supabase {
namespace {

constexpr std::pair<std::string_view, std::string_view> kOperators[] = {{"eq", "="},
                                                                        {"neq", "<>"},
                                                                        {"gt", ">"},
                                                                        {"gte", ">="},
                                                                        {"lt", "<"},
                                                                        {"lte", "<="},
                                                                        {"like", "LIKE"},
                                                                        {"ilike", "ILIKE"},
                                                                        {"match", "~"},
                                                                        {"imatch", "~*"},
                                                                        {"isdistinct", "IS DISTINCT FROM"},
                                                                        {"cs", "@>"},
                                                                        {"cd", "<@"},
                                                                        {"ov", "&&"}};
constexpr std::string_view kForms =
    "eq, neq, gt, gte, lt, lte, like, ilike, match, imatch, is, isdistinct, in, cs, cd, ov";

Error wrong(Code code, const std::string& what, const std::string& hint) {
  return Error(code, what, hint, category::kConfigInvalid);
}

Result<std::string> is_sql(const std::string& column, const std::string& value) {
  for (const char* word : {"null", "true", "false", "unknown"})
    if (ascii_lower(value) == word) return column + " IS " + word;
  return wrong(Code::kInvalidArgument, "'is." + value + "' is no condition", "write is.null, is.true or is.false");
}

Result<std::string> in_sql(const std::string& column, std::string_view list) {
  if (!list.starts_with('(') || !list.ends_with(')'))
    return wrong(Code::kInvalidArgument, "the list of 'in' has no parentheses", "write in.(1,2,3)");
  const std::string_view inside = list.substr(1, list.size() - 2);
  if (inside.empty()) return std::string("false");
  std::vector<std::string> literals;
  for (const std::string& item : split_outside(inside, ',')) literals.push_back(sql::quote_literal(unquoted(item)));
  return column + " IN (" + join(literals, ", ") + ")";
}

}  // namespace

Result<std::string> condition_sql(const std::string& column, std::string_view condition) {
  if (condition.starts_with("not.")) {
    OSIRIS_ASSIGN(const std::string inner, condition_sql(column, condition.substr(4)));
    return "NOT (" + inner + ")";
  }
  const size_t dot = condition.find('.');
  const std::string_view name = condition.substr(0, dot);
  if (dot == std::string_view::npos)
    return wrong(Code::kInvalidArgument, "'" + std::string(condition) + "' is no condition", "write eq.done, gte.18");
  std::string value(condition.substr(dot + 1));
  if (value.find('\0') != std::string::npos)
    return wrong(Code::kInvalidArgument, "the value of '" + std::string(name) + "' holds a NUL character", "");
  if (name == "is") return is_sql(column, value);
  if (name == "in") return in_sql(column, value);
  const auto known =
      std::find_if(std::begin(kOperators), std::end(kOperators), [&](const auto& pair) { return pair.first == name; });
  if (known == std::end(kOperators))
    return wrong(Code::kUnsupported, "'" + std::string(name) + "' is none of the conditions that go to the database",
                 "they are " + std::string(kForms) + "; leave pg_dsn out of the connection to ask PostgREST");
  // A star stands for a percent sign, which URLs have another use for.
  if (name == "like" || name == "ilike") std::replace(value.begin(), value.end(), '*', '%');
  return column + " " + std::string(known->second) + " " + sql::quote_literal(value);
}

}  // namespace osiris::worker::supabase
