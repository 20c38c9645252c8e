// What Python Osiris had on its command line and osiris has not, with what does the same here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace osiris {

// What to do instead of the command that `words` begin with ("logs html --open"); nullopt: it never was one.
std::optional<std::string> instead_of_command(std::string_view words);
// The same of an option of a command: "runs list", "--tag".
std::optional<std::string> instead_of_option(std::string_view command, std::string_view option);

}  // namespace osiris
