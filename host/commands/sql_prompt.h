// SQL typed at a terminal, line by line until a ';'.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/commands/context.h"

namespace osiris {

// Where the first statement of `sql` ends, behind its ';'; nullopt: it goes on.
std::optional<size_t> end_of_statement(std::string_view sql);

// Reads standard input to its end, or until \q, and calls `run` with each statement. What stands behind the last ';' is
// a statement too.
void read_statements(const CommandContext& context, const std::function<void(const std::string&)>& run);

}  // namespace osiris
