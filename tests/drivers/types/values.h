// Values of a relation's types, for the tests of both databases.
#pragma once

#include <map>
#include <string>

namespace osiris::worker::test {

// One value of each type that the page names, which columns of many types hold.
struct OneValue {
  std::string sql;   // '?' stands for a text that the column holds
  std::string text;  // as servers read it; empty: that text, or no server has the type
};
const std::map<std::string, OneValue>& one_value_of_each();
// The expression with `text` in the place of '?'.
std::string with_text(std::string sql, const std::string& text);

// The type to cast a value to, as the page names it; empty: the value has it.
std::string cast_of(const std::string& type);
// Rows (i, v): `values`, separated by '|', and a NULL before them.
std::string select_of(const std::string& type, const std::string& values);

}  // namespace osiris::worker::test
