#include "worker/drivers/files/columns.h"

#include "protocol/base/text.h"
#include "worker/driver_api/name_index.h"

namespace osiris::worker::files {

Error no_such_column(const std::string& key, const std::string& wanted, const std::vector<std::string>& names) {
  const auto near = nearest(wanted, names);
  return Error(Code::kInvalidArgument, "'" + key + "' names column '" + wanted + "', which is not there",
               near ? "did you mean '" + *near + "'?" : "there are: " + join(names, ", "));
}

Result<std::vector<FileColumn>> chosen_columns(const std::vector<FileColumn>& columns,
                                               const std::vector<std::string>& wanted) {
  if (wanted.empty()) return columns;
  std::vector<FileColumn> chosen;
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  const NameIndex places(names);
  for (const std::string& name : wanted) {
    const auto place = places.find(name);
    if (!place) return no_such_column("columns", name, names);
    chosen.push_back(columns[*place]);
  }
  return chosen;
}

}  // namespace osiris::worker::files
