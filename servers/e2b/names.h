// The name server of isolated sandboxes, on bytes: questions about names the server was told of are answered at once,
// others go to the machine's own name server.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace osiris::e2b_server {

using NameTable = std::map<std::string, std::string>;  // "db.example.test" -> "198.18.0.1"

struct Question {
  std::string name;  // lower case, without the final dot
  uint16_t type = 0;
  size_t end = 0;  // of the question in the query
};
// nullopt: no query with one question.
std::optional<Question> parse_question(std::string_view query);

// An A record of the table; no record for another type of a known name. nullopt: the table does not know the name.
std::optional<std::string> answer_from(const NameTable& names, std::string_view query);
// "No such name", where there is no other name server to ask.
std::string no_such_name(std::string_view query);

}  // namespace osiris::e2b_server
