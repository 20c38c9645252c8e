#include "worker/drivers/postgres.extractor/key_column.h"

#include <algorithm>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::postgres {

Error refused_column(const std::string& key, const std::string& column, const std::string& what,
                     const std::string& hint) {
  return Error(Code::kStepFailed, "PostgreSQL query failed: " + key + " names column '" + column + "', " + what, hint,
               category::kExtractQueryFailed);
}

Result<uint32_t> place_of_column(const Answer& description, const std::string& key, const std::string& column) {
  std::vector<std::string> names;
  for (size_t i = 0; i < description.columns(); ++i)
    names.emplace_back(PQfname(description.get(), static_cast<int>(i)));
  const auto found = std::find(names.begin(), names.end(), column);
  if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
  const auto near = nearest(column, names);
  return refused_column(key, column, "which is none of the result",
                        near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
}

}  // namespace osiris::worker::postgres
