// The tables of docs/types.md.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace osiris::worker::test {

struct TypeRow {
  std::string first;                // the first cell, as it is written without backticks
  std::vector<std::string> types;   // what stands in backticks there
  std::vector<std::string> others;  // and in the second cell
  std::string says;                 // the second cell and the third
  std::string third;
  std::vector<std::string> targets;  // what stands in backticks there
  bool is_refused() const { return says.starts_with("refused"); }
};

// Of the section with this heading. Fails the test where there is none.
std::vector<TypeRow> rows_of_types(const std::string& heading);

// The types of columns that the third cell of a row names: those in backticks, and what `words` stand for
// ("any integer"). "the same": those of the row above; "as `VARCHAR`": those of that type's row.
std::set<std::string> targets_of(const std::vector<TypeRow>& rows, size_t place,
                                 const std::map<std::string, std::vector<std::string>>& words);

// What the second cell has for a type of the first: the one in its place, or the only one.
std::string other_of(const TypeRow& row, size_t place);

}  // namespace osiris::worker::test
