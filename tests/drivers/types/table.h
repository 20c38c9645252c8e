// The tables of docs/types.md.
#pragma once

#include <string>
#include <vector>

namespace osiris::worker::test {

struct TypeRow {
  std::string first;                // the first cell, as it is written without backticks
  std::vector<std::string> types;   // what stands in backticks there
  std::vector<std::string> others;  // and in the second cell
  std::string says;                 // the second cell and the third
  bool is_refused() const { return says.starts_with("refused"); }
};

// Of the section with this heading. Fails the test where there is none.
std::vector<TypeRow> rows_of_types(const std::string& heading);

// What the second cell has for a type of the first: the one in its place, or the only one.
std::string other_of(const TypeRow& row, size_t place);

}  // namespace osiris::worker::test
