#include "host/commands/parse.h"

#include <CLI/CLI.hpp>

#include <cstring>
#include <string_view>

#include "host/commands/adapter_flags.h"
#include "host/commands/commands.h"
#include "host/commands/version.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 ok, 1 a step failed, 2 wrong input or usage, 3 the adapter failed, 124 out of time, 130 cancelled.\n"
    "With every command: --json (one JSON document on standard output), -v/--verbose, -h/--help.\n"
    "Adapters bring their own options: osiris run --adapter NAME --help";

const CLI::App& deepest(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : deepest(*chosen.front());
}

std::vector<std::string> flag_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app; app = app->get_parent())
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  return names;
}

std::string command_path(const CLI::App& command) {
  return command.get_parent() ? command_path(*command.get_parent()) + " " + command.get_name() : "osiris";
}

// What the user most likely did wrong, given what the parser could not place.
Error usage_error(const CLI::App& app, const CLI::ParseError& thrown, const AdapterFlags& adapters) {
  const CLI::App& command = deepest(app);
  const std::string help = command_path(command) + " --help shows how";
  for (const std::string& word : app.remaining(true)) {
    if (word.size() > 1 && word[0] == '-') {
      const std::string flag = word.substr(0, word.find('='));
      std::string hint = adapters.hint_for(flag);
      if (hint.empty())
        if (const auto near = nearest(flag, flag_names(command))) hint = "did you mean " + *near + "?";
      return {Code::kInvalidArgument, "Unknown option: " + flag, hint.empty() ? help : hint};
    }
  }
  const auto extra = app.remaining(true);
  if (!extra.empty()) {
    std::vector<std::string> names;
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    if (!names.empty()) {
      const auto near = nearest(extra.front(), names);
      return {Code::kInvalidArgument, "Unknown command: " + extra.front(), near ? "did you mean " + *near + "?" : help};
    }
    if (command.get_name() == "run")
      return {Code::kInvalidArgument, "Multiple pipeline files specified: " + extra.front() + " is one too many", help};
    return {Code::kInvalidArgument, "Unexpected argument: " + extra.front(), help};
  }
  return {Code::kInvalidArgument, thrown.what(), help};
}

// The command that the first words of the command line name, however it is going to be used.
const CLI::App* named_command(CLI::App& app, int argc, const char* const* argv) {
  CLI::App* command = &app;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;
    CLI::App* next = subcommand(*command, argv[i]);
    if (!next) break;
    command = next;
  }
  return command;
}

int parse_and_run(int argc, const char* const* argv, CommandContext& context) {
  AdapterFlags adapters(argc, argv, context);
  CLI::App app("Runs data pipelines, on this machine or a remote one.", "osiris");
  Chosen chosen;
  app.set_version_flag("--version", [&context] { return version_text(context); });
  app.add_flag("--json", context.json, "one JSON document on standard output and nothing else");
  app.add_flag("-v,--verbose", context.verbose, "say more; also writes debug.log");
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(38);

  std::vector<AdapterCommand> adapter_commands;
  const CommandTable table{app, context, adapters, chosen, adapter_commands};
  add_run_command(table);
  add_compile_command(table);
  add_validate_commands(table);
  add_init_command(table);
  add_runs_commands(table);
  add_logs_commands(table);
  add_adapters_commands(table);
  add_components_commands(table);
  add_connections_commands(table);
  add_resources_commands(table);
  const CLI::App* named = named_command(app, argc, argv);
  for (const AdapterCommand& user : adapter_commands)
    if (user.command == named) adapters.load();
  for (const AdapterCommand& user : adapter_commands) adapters.add_to(*user.command, *user.values);
  // --json and --verbose mean the same wherever they stand.
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->fallthrough();
    for (CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; })) sub->fallthrough();
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CLI::App& command = deepest(app);
    const std::string help = command.help(command.get_parent() ? command_path(*command.get_parent()) : "");
    if (context.json)
      print_json(context, Json::object({{"command", command_path(command)}, {"help", help}}));
    else
      print_out(context, help);
    return to_int(ExitCode::kOk);
  } catch (const CLI::CallForVersion& version) {
    print_out(context, std::string(version.what()) + "\n");
    return to_int(ExitCode::kOk);
  } catch (const CLI::ParseError& thrown) {
    // Options of an adapter that could not be loaded are unknown, but that is not what is wrong.
    for (const std::string& word : app.remaining(true))
      if (adapters.is_of_unloaded(word.substr(0, word.find('='))))
        return fail_adapter(context, adapters.adapter().error());
    // A flag that some adapter's manifest defines, which could not be read.
    if (adapters.trouble()) return fail_adapter(context, *adapters.trouble());
    return fail(context, usage_error(app, thrown, adapters), Json::object({{"phase", "usage"}}));
  }
  if (!chosen && context.json)
    return fail(context, Error(Code::kInvalidArgument, "No command given", "osiris --help lists them"),
                Json::object({{"phase", "usage"}}));
  if (!chosen) {
    print_err(context, app.help());
    return to_int(exit_code_for(Error(Code::kInvalidArgument, "no command")));
  }
  return chosen();
}

}  // namespace

CLI::App* subcommand(CLI::App& parent, std::string_view name) {
  for (CLI::App* command : parent.get_subcommands([](CLI::App*) { return true; }))
    if (command->get_name() == name) return command;
  return nullptr;
}

int run_command_line(int argc, const char* const* argv) {
  auto context = CommandContext::of_process();
  // Also an error of the parser itself must know how to speak.
  bool json = false;
  for (int i = 1; i < argc; ++i) json = json || std::string_view(argv[i]) == "--json";
  if (!context.ok()) {
    CommandContext bare;
    bare.out.fd = 1;
    bare.err.fd = 2;
    bare.json = json;
    return fail(bare, context.error());
  }
  context->json = json;
  const int code = parse_and_run(argc, argv, *context);
  if (!context->output_error) return code;
  const Error error(Code::kUnavailable,
                    "cannot write to standard output: " + std::string(strerror(context->output_error)));
  print_note(*context, "❌ " + error.message);
  return code ? code : to_int(exit_code_for(error, ErrorSource::kService));
}

}  // namespace osiris
