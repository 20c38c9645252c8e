// The columns that a step names, among those there are.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/file_columns.h"

namespace osiris::worker::files {

// `columns` in the order of `wanted`, all of them where that is empty. kInvalidArgument for a name that is not there,
// with the one that was probably meant.
Result<std::vector<FileColumn>> chosen_columns(const std::vector<FileColumn>& columns,
                                               const std::vector<std::string>& wanted);

// That error, of a config key.
Error no_such_column(const std::string& key, const std::string& wanted, const std::vector<std::string>& names);

}  // namespace osiris::worker::files
