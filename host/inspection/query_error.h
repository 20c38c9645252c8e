// What a query's step fails with, in the words of a person who asks. The worker speaks to the author of a pipeline: of
// steps, of what they need and of their outputs.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

// `message` and `hint` are the worker's, `relations` names what a query can read: "df_total, df_save".
Error query_error(std::string_view message, std::string_view hint, const std::string& relations);

}  // namespace osiris
