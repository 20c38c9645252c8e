#include "host/commands/retired.h"

namespace osiris {
namespace {

struct Retired {
  std::string_view words;  // a command's path, with " --option" for one of its options
  std::string_view instead;
};

constexpr std::string_view kPages =
    "osiris report RUN writes the page of a run, osiris report --runs one about all; osiris logs show RUN tells the "
    "same "
    "here";
constexpr std::string_view kAssistant =
    "it belonged to the AI assistant of Python Osiris; docs/oml.md says how pipelines are written, osiris validate "
    "FILE "
    "checks one";
constexpr std::string_view kLookIntoDatabase =
    "osiris connections doctor checks a connection; to look into a database, run a pipeline that reads "
    "information_schema.columns";
constexpr std::string_view kClean =
    "osiris clean --dry-run shows what filesystem.retention of osiris.yaml lets go, osiris clean removes it";

// Longer paths stand before their beginnings.
constexpr Retired kRetired[] = {
    {"logs html", kPages},
    {"logs open", kPages},
    {"logs bundle", "a session is one directory: tar -czf run.tar.gz DIRECTORY; osiris logs show RUN names it"},
    {"logs gc", kClean},
    {"logs aiop prune", kClean},
    {"logs aiop", "aiop/ holds summary.json and run-card.md of each run; osiris logs show RUN --json has the same"},
    {"maintenance clean", kClean},
    {"maintenance", kClean},
    {"discovery run", kLookIntoDatabase},
    {"discovery", kLookIntoDatabase},
    {"components validate", "specs are checked whenever they are read; osiris components show NAME shows one"},
    {"components config-example", "osiris components show NAME shows the examples too"},
    {"components discover", kLookIntoDatabase},
    {"chat", kAssistant},
    {"mcp", kAssistant},
    {"prompts", kAssistant},
    {"dump-prompts", kAssistant},
    {"test", "osiris validate FILE checks a pipeline, osiris run FILE --dry-run shows what it would do"},
    // Words of other tools.
    {"man", "osiris help COMMAND, or osiris COMMAND --help"},
    {"connections test", "osiris connections doctor"},
    {"connections check", "osiris connections doctor"},
    {"ls", "osiris runs list, osiris components list, osiris connections list"},
    {"init --git", "osiris init writes a .gitignore; then git init"},
    {"runs list --tag", "runs have no tags; --pipeline, --profile, --status and --since choose"},
    {"logs list --logs-dir", "osiris finds the project's sessions from any directory in it"},
    {"logs show --logs-dir", "osiris finds the project's sessions from any directory in it"},
    {"logs last --logs-dir", "osiris finds the project's sessions from any directory in it"},
    {"validate --config", "osiris finds the project's osiris.yaml from any directory in it"},
    {"run --set", "--param NAME=VALUE"},
    {"run --var", "--param NAME=VALUE"},
    {"run --vars", "--param NAME=VALUE"},
};

}  // namespace

std::optional<std::string> instead_of_command(std::string_view words) {
  for (const Retired& retired : kRetired)
    if (words == retired.words || words.starts_with(std::string(retired.words) + " "))
      return std::string(retired.instead);
  return std::nullopt;
}

std::optional<std::string> instead_of_option(std::string_view command, std::string_view option) {
  return instead_of_command(std::string(command) + " " + std::string(option));
}

}  // namespace osiris
