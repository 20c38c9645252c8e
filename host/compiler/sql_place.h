// Where in the pipeline file an error of a step's SQL is.
#pragma once

#include <string_view>

#include "host/compiler/compiler.h"

namespace osiris {

// `text` is the pipeline file, `detail` that of the error (null is fine). The place in the SQL, the SQL's beginning
// where the place cannot be told, the step's where the SQL's beginning is not known.
Mark place_of_sql_error(const CompiledStep& step, std::string_view text, const Json& detail);

}  // namespace osiris
