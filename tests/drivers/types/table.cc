#include "tests/drivers/types/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::worker::test {
namespace {

std::vector<std::string> in_backticks(const std::string& cell) {
  std::vector<std::string> found;
  const std::vector<std::string> parts = split(cell, '`');
  for (size_t i = 1; i < parts.size(); i += 2) found.push_back(parts[i]);
  return found;
}

}  // namespace

std::vector<TypeRow> rows_of_types(const std::string& heading) {
  const auto page = read_file(std::string(std::getenv("OSIRIS_SOURCE_DIR")) + "/docs/types.md");
  EXPECT_TRUE(page.ok());
  const size_t start = page.ok() ? page->find("\n## " + heading + "\n") : std::string::npos;
  EXPECT_NE(start, std::string::npos) << heading;
  if (start == std::string::npos) return {};
  std::vector<TypeRow> rows;
  for (const std::string& line : split(page->substr(start + 1, page->find("\n## ", start + 1) - start - 1), '\n')) {
    const std::vector<std::string> cells = split(line, '|');
    if (cells.size() < 4) continue;
    TypeRow row;
    for (const char c : std::string(trim(cells[1])))
      if (c != '`') row.first += c;
    row.types = in_backticks(cells[1]);
    row.others = in_backticks(cells[2]);
    row.says = trim(cells[2]);
    if (cells.size() > 4) row.third = trim(cells[3]);
    row.targets = in_backticks(row.third);
    if (cells.size() > 4) row.says += " | " + std::string(trim(cells[3]));
    if (rows.empty() && row.types.empty()) continue;  // the head, and the line below it
    rows.push_back(std::move(row));
  }
  EXPECT_GE(rows.size(), 10u);
  return rows;
}

std::set<std::string> targets_of(const std::vector<TypeRow>& rows, size_t place,
                                 const std::map<std::string, std::vector<std::string>>& words) {
  const TypeRow& row = rows[place];
  if (row.third.starts_with("the same")) return targets_of(rows, place - 1, words);
  if (row.third.starts_with("as ")) {
    for (size_t i = 0; i < rows.size(); ++i)
      if (i != place && std::find(rows[i].types.begin(), rows[i].types.end(), row.targets.at(0)) != rows[i].types.end())
        return targets_of(rows, i, words);
    ADD_FAILURE() << row.third;
  }
  std::set<std::string> targets(row.targets.begin(), row.targets.end());
  for (const auto& [word, types] : words)
    if (row.third.find(word) != std::string::npos) targets.insert(types.begin(), types.end());
  return targets;
}

std::string other_of(const TypeRow& row, size_t place) {
  if (row.others.empty()) return {};
  return row.others.size() == row.types.size() ? row.others[place] : row.others[0];
}

}  // namespace osiris::worker::test
