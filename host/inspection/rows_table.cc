#include "host/inspection/rows_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr size_t kCellWidthMax = 40, kNameWidthMax = 32, kRangeWidthMax = 24;
constexpr size_t kColumnsDescribed = 100;
constexpr size_t kGap = 2;  // between columns of a table

std::string cell(const Json& value, size_t width) {
  return value.is_null() ? "NULL" : fit(printable(value.as_string()), width);
}

bool is_number(std::string_view type) {
  for (const std::string_view word : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
                                      "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"})
    if (type == word || (type.starts_with(word) && type[word.size()] == '(' && !type.ends_with(']'))) return true;
  return false;
}

struct ShownColumn {
  std::string title;
  bool right = false;
  std::vector<std::string> cells;

  size_t width() const {
    size_t width = display_width(title);
    for (const std::string& text : cells) width = std::max(width, display_width(text));
    return width;
  }
};

// As many of the columns as fit, the first one always.
std::string table_of(const std::vector<ShownColumn>& columns, size_t width) {
  size_t shown = 0, used = 0;
  for (; shown < columns.size(); ++shown) {
    used += columns[shown].width() + kGap;
    if (shown > 0 && used > width + kGap) break;
  }
  std::vector<Table::Column> titles;
  for (size_t i = 0; i < shown; ++i) titles.push_back({columns[i].title, columns[i].right});
  Table table(std::move(titles));
  for (size_t row = 0; !columns.empty() && row < columns.front().cells.size(); ++row) {
    std::vector<std::string> cells;
    for (size_t i = 0; i < shown; ++i) cells.push_back(columns[i].cells[row]);
    table.row(std::move(cells));
  }
  std::string text = table.text();
  if (shown < columns.size()) text += "… and " + counted(columns.size() - shown, "column") + " more: --json has them\n";
  return text;
}

std::string columns_text(const Json& columns) {
  Table table({{"Column"}, {"Type"}, {"Nulls", true}, {"Min"}, {"Max"}});
  size_t described = 0;
  for (const Json& column : columns.items()) {
    if (described++ == kColumnsDescribed) break;
    const auto bound = [](const Json& value) { return value.is_null() ? "" : cell(value, kRangeWidthMax); };
    table.row({cell(column["name"], kNameWidthMax), cell(column["type"], kRangeWidthMax),
               format_count(column["nulls"].as_uint()), bound(column["min"]), bound(column["max"])});
  }
  std::string text = table.text();
  if (columns.size() > kColumnsDescribed)
    text += "… and " + counted(columns.size() - kColumnsDescribed, "column") + " more: --json has them\n";
  return text;
}

void add_rows(std::vector<ShownColumn>& columns, size_t first, const Json& rows) {
  for (const Json& row : rows.items())
    for (size_t i = 0; i < row.items().size() && first + i < columns.size(); ++i)
      columns[first + i].cells.push_back(cell(row.items()[i], kCellWidthMax));
}

std::string names_of(const Json& names) {
  std::vector<std::string> texts;
  for (const Json& name : names.items()) texts.push_back(printable(name.as_string()));
  constexpr size_t kNamedMax = 20;
  const size_t left_out = texts.size() > kNamedMax ? texts.size() - kNamedMax : 0;
  texts.resize(texts.size() - left_out);
  return join(texts, ", ") + (left_out ? " and " + std::to_string(left_out) + " more" : "");
}

std::string rows_more(const char* mark, const Json& side) {
  const uint64_t all = side["rows_only"].as_uint(), shown = side["shown"].size();
  return all > shown ? std::string(mark) + " … and " + counted(all - shown, "row") + " more\n" : "";
}

}  // namespace

std::string preview_text(const Json& preview, size_t width) {
  const std::string rows = preview["shown"].size() > 0 ? "\n" + rows_text(preview, width) : "";
  return columns_text(preview["columns"]) + rows;
}

std::string rows_text(const Json& preview, size_t width) {
  std::vector<ShownColumn> columns;
  for (const Json& column : preview["columns"].items())
    columns.push_back({cell(column["name"], kCellWidthMax), is_number(column["type"].as_string()), {}});
  add_rows(columns, 0, preview["shown"]);
  const uint64_t rows = preview["rows"].as_uint(), shown = preview["shown"].size();
  std::string text = table_of(columns, width);
  if (rows > shown) text += "… and " + counted(rows - shown, "row") + " more: --limit shows them\n";
  return text;
}

std::string difference_text(const Json& difference, size_t width) {
  const Json &left = difference["left"], &right = difference["right"];
  std::string text;
  if (left["columns_only"].size()) text += "< only here: columns " + names_of(left["columns_only"]) + "\n";
  if (right["columns_only"].size()) text += "> only here: columns " + names_of(right["columns_only"]) + "\n";
  for (const Json& type : difference["types"].items())
    text += "type of " + printable(type["name"].as_string()) + ": < " + printable(type["left"].as_string()) + "  > " +
            printable(type["right"].as_string()) + "\n";
  if (left["rows_only"].as_uint() == 0 && right["rows_only"].as_uint() == 0) {
    if (text.empty()) text = "the same rows, in another order or another form\n";
    return text;
  }
  std::vector<ShownColumn> columns = {{"", false, {}}};
  columns.front().cells.assign(left["shown"].size(), "<");
  columns.front().cells.resize(left["shown"].size() + right["shown"].size(), ">");
  for (const Json& name : difference["columns"].items()) columns.push_back({cell(name, kCellWidthMax), false, {}});
  add_rows(columns, 1, left["shown"]);
  add_rows(columns, 1, right["shown"]);
  return text + table_of(columns, width) + rows_more("<", left) + rows_more(">", right);
}

}  // namespace osiris
