// .env files as python-dotenv reads them, and where Python Osiris looked for them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris {

struct DotenvEntry {
  std::string name;
  std::optional<std::string> value;  // nullopt: a name without '='
};
struct Dotenv {
  std::vector<DotenvEntry> entries;  // in file order; a name may repeat, the last one counts
  std::vector<int> unreadable_lines;
};
// python-dotenv's grammar: KEY=VALUE, export KEY=..., single and double quotes with escapes and line breaks, #
// comments. ${VAR} and ${VAR:-default} expand by `look_up`, then from earlier lines, else to nothing.
using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;
Dotenv parse_dotenv(std::string_view text, const VariableLookup& look_up);

// $OSIRIS_HOME/.env, <cwd>/.env, the first ancestor's .env that stands beside an osiris.py, and testing_env/.env when
// standing in a directory of that name; in this order, whether they exist or not.
std::vector<std::filesystem::path> dotenv_candidates(const std::filesystem::path& cwd,
                                                     const std::optional<std::string>& osiris_home);

}  // namespace osiris
