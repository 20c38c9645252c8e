// A folder of SQL files, each a SELECT, as one pipeline: a step for each file, in the order in which they read each
// other.
#pragma once

#include <map>
#include <string>

#include "host/importing/imported.h"
#include "protocol/base/error.h"

namespace osiris {

// `files` by name without ".sql". A file reads another where it says {{ ref('name') }}, as dbt has it, or FROM and JOIN
// with the other's name. kInvalidArgument where files read each other in a circle.
Result<Imported> import_sql_folder(const std::string& name, const std::map<std::string, std::string>& files);

}  // namespace osiris
