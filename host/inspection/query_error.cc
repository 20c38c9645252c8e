#include "host/inspection/query_error.h"

#include <utility>

namespace osiris {
namespace {

// What the worker says of a step, and what it is of a query.
constexpr std::pair<std::string_view, std::string_view> kWords[] = {
    {"DuckDB transformation failed: ", ""},
    {"the SQL failed: ", ""},
    {"the SQL was refused: ", ""},
    {"a step's SQL cannot", "a query cannot"},
    {"A step's inputs cannot be changed", "The relations cannot be changed"},
    {"; the last statement's rows are the step's output", ""},
};

std::string in_words_of_queries(std::string_view text) {
  std::string said(text);
  for (const auto& [of_steps, of_queries] : kWords)
    if (const size_t at = said.find(of_steps); at != std::string::npos) said.replace(at, of_steps.size(), of_queries);
  return said;
}

}  // namespace

Error query_error(std::string_view message, std::string_view hint, const std::string& relations) {
  const std::string there = "there are " + relations;
  std::string said = in_words_of_queries(hint);
  if (said.starts_with("A step may SELECT"))
    said = "It reads its relations and nothing else: " + there;
  else if (const size_t at = said.find("This step reads "); at != std::string::npos)
    said = said.substr(0, at) + there;
  else if (said.empty())
    said = there;
  return {Code::kInvalidArgument, in_words_of_queries(message), said};
}

}  // namespace osiris
