#include "worker/drivers/db/column_names.h"

#include <map>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/name_index.h"

namespace osiris::worker::db {
namespace {

Error unusable(const std::string& server, const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, server + " query failed: " + what, hint, category::kExtractSchemaMismatch);
}

}  // namespace

Result<std::vector<uint32_t>> pick_columns(const std::string& server, const std::vector<std::string>& names,
                                           const std::vector<std::string>& wanted) {
  std::vector<uint32_t> kept;
  if (wanted.empty()) {
    for (uint32_t i = 0; i < names.size(); ++i) kept.push_back(i);
  }
  const NameIndex places(names);
  for (const std::string& name : wanted) {
    const auto place = places.find(name);
    if (!place) {
      const auto near = nearest(name, names);
      return unusable(server, "the result has no column '" + name + "' that 'columns' names",
                      near ? "did you mean '" + *near + "'?" : "its columns are " + join(names, ", "));
    }
    kept.push_back(static_cast<uint32_t>(*place));
  }

  std::map<std::string, std::string> seen;  // by the name in lower case: a relation's column names ignore case
  for (const uint32_t index : kept) {
    if (names[index].empty())
      return unusable(server, "column " + std::to_string(index + 1) + " has no name", "give it one with AS");
    if (!is_valid_utf8(names[index]))
      return unusable(server, "the name of column " + std::to_string(index + 1) + " is not UTF-8",
                      "give it another one with AS");
    if (const auto [other, is_new] = seen.emplace(ascii_lower(names[index]), names[index]); !is_new) {
      return unusable(server, "two columns are called '" + other->second + "'",
                      "give one of them another name with AS");
    }
  }
  return kept;
}

}  // namespace osiris::worker::db
