// osiris adapters check FILE|NAME: puts an adapter's library to the promises of the ABI. The program that does so,
// osiris-adapter-check, comes with the component `sdk`; it takes this process's place.
#include <unistd.h>

#include <cstring>

#include "host/commands/adapter_library.h"
#include "host/commands/commands.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string library, answers, junit, html;
  std::vector<std::string> directories, only;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("library", options.library, "file of a library, or the name of an adapter")
      ->required()
      ->type_name("FILE|NAME");
  command.add_option("--answers", options.answers, "what the adapter must be told")->type_name("FILE");
  command.add_option("--only", options.only, "only cases whose id fits the pattern, repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  command.add_option("--junit", options.junit, "write the result as JUnit's XML")->type_name("FILE");
  command.add_option("--html", options.html, "write the result as a page")->type_name("FILE");
  command.add_option("--adapter-dir", options.directories, "look for the name there first, repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false);
}

int check(const CommandContext& context, const Options& options) {
  const auto library = library_argument(context, options.library, options.directories);
  if (!library.ok()) return fail(context, library.error());
  const fs::path program = context.executable_directory / "osiris-adapter-check";
  std::vector<std::string> arguments = {program.string(), library->string()};
  const std::pair<const char*, const std::string*> files[] = {
      {"--answers", &options.answers}, {"--junit", &options.junit}, {"--html", &options.html}};
  for (const auto& [flag, file] : files) {
    if (file->empty()) continue;
    arguments.emplace_back(flag);
    arguments.push_back((context.cwd / *file).lexically_normal().string());
  }
  for (const std::string& pattern : options.only) {
    arguments.emplace_back("--only");
    arguments.push_back(pattern);
  }
  if (context.json) arguments.emplace_back("--json");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::dup2(context.out.fd, STDOUT_FILENO);  // which points elsewhere, so that adapters' output is none of osiris's
  ::execv(program.c_str(), pointers.data());
  return fail(context, Error(Code::kUnavailable, "cannot start " + program.string() + ": " + std::strerror(errno),
                             "install the package osiris-dev (the component sdk of an installation)"));
}

}  // namespace

void add_adapters_check_command(const CommandTable& table, CLI::App* adapters) {
  table.add<Options>("check", "Put an adapter's library to the promises of the ABI",
                     {"osiris adapters check build/mine.so", "osiris adapters check mine --html mine.html"},
                     add_options, check, adapters);
}

}  // namespace osiris
