#include "worker/drivers/filesystem.csv_extractor/layout.h"

#include <algorithm>
#include <map>
#include <set>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::csv {
namespace {

Error no_column(std::string_view key, const std::string& name, const std::vector<std::string>& names) {
  const auto near = nearest(name, names);
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min<size_t>(names.size(), 20)));
  return Error(
      Code::kInvalidArgument,
      "CSV parsing failed: '" + std::string(key) + "' names column '" + name + "', which the file does not have",
      (near ? "did you mean '" + *near + "'? " : std::string()) + "columns: " + join(shown, ", ") +
          (shown.size() < names.size() ? ", ..." : ""));
}

Column* find(Layout& layout, const std::string& name) {
  for (Column& column : layout.columns)
    if (column.name == name) return &column;
  return nullptr;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A number in parse_dates is a place when no column is called so.
std::string date_column_name(const std::string& wanted, const std::vector<std::string>& names) {
  if (contains(names, wanted) || wanted.empty() || wanted.size() > 6) return wanted;
  if (wanted.find_first_not_of("0123456789") != std::string::npos) return wanted;
  const size_t place = std::stoul(wanted);
  return place < names.size() ? names[place] : wanted;
}

}  // namespace

std::vector<std::string> unique_names(std::vector<std::string> header) {
  std::set<std::string> taken;
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i].empty()) header[i] = "Unnamed: " + std::to_string(i);
    taken.insert(ascii_lower(header[i]));
  }
  std::map<std::string, size_t> seen;
  for (std::string& name : header) {
    const std::string key = ascii_lower(name);
    size_t& count = seen[key];
    if (count > 0) {
      std::string candidate;
      do candidate = name + "." + std::to_string(count++);
      while (taken.contains(ascii_lower(candidate)));
      taken.insert(ascii_lower(candidate));
      name = candidate;
    } else {
      count = 1;
    }
  }
  return header;
}

Result<Layout> make_layout(const Options& options, std::vector<std::string> header) {
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i].find('\0') != std::string::npos)
      return Error(
          Code::kInvalidArgument,
          "CSV parsing failed: the header's column " + std::to_string(i + 1) + " has a NUL character in its name",
          "the file may be utf-16: set encoding: utf-16", category::kExtractSchemaMismatch);
  }
  const std::vector<std::string> names = unique_names(std::move(header));
  Layout layout;
  layout.fields = names.size();
  if (options.columns) {
    for (const std::string& wanted : *options.columns) {
      const auto at = std::find(names.begin(), names.end(), wanted);
      if (at == names.end()) return no_column("columns", wanted, names);
      if (find(layout, wanted))
        return Error(Code::kInvalidArgument, "CSV parsing failed: 'columns' names column '" + wanted + "' twice");
      layout.columns.push_back({wanted, static_cast<size_t>(at - names.begin()), {}, false});
    }
  } else {
    for (size_t i = 0; i < names.size(); ++i) layout.columns.push_back({names[i], i, {}, false});
  }
  for (const auto& [name, type] : options.dtypes) {
    if (!contains(names, name)) return no_column("dtype", name, names);
    Column* column = find(layout, name);
    if (!column) continue;  // in the file, not among `columns`
    column->forced = type;
    column->is_date = type.dates != Dates::kNone;
  }
  for (const std::string& wanted : options.date_columns) {
    const std::string name = date_column_name(wanted, names);
    Column* column = find(layout, name);
    if (!column) return no_column("parse_dates", name, names);
    column->is_date = true;
  }
  return layout;
}

}  // namespace osiris::worker::csv
