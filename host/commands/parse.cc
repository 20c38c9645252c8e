#include "host/commands/parse.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "host/commands/adapter_flags.h"
#include "host/commands/commands.h"
#include "host/commands/completion.h"
#include "host/commands/help.h"
#include "host/commands/manual.h"
#include "host/commands/retired.h"
#include "host/commands/version.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 ok, 1 a step failed, 2 wrong input or usage, 3 the adapter failed, 124 out of time, 130 cancelled.\n"
    "With every command: --json (one JSON document on standard output), -v/--verbose, -q/--quiet, -h/--help.\n"
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

std::vector<std::string> subcommand_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::string command_path(const CLI::App& command) {
  return command.get_parent() ? command_path(*command.get_parent()) + " " + command.get_name() : "osiris";
}

std::string how_to(const CLI::App& command) { return command_path(command) + " --help shows how"; }

bool is_flag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

Error unknown_command(const CLI::App& command, const std::vector<std::string>& extra) {
  const std::string parent = words_of(command);
  const auto flag = std::find_if(extra.begin(), extra.end(), is_flag);
  const std::string words =
      (parent.empty() ? "" : parent + " ") + join(std::vector<std::string>(extra.begin(), flag), " ");
  const std::string& word = extra.front();
  if (const auto instead = instead_of_command(words))
    return {Code::kInvalidArgument, "There is no command osiris " + words, *instead};
  const auto near = nearest(word, subcommand_names(command));
  std::string hint = near ? "did you mean " + *near + "?" : how_to(command);
  if (word.ends_with(".yaml") || word.ends_with(".yml")) hint = "osiris run " + word;
  return {Code::kInvalidArgument, "Unknown command: " + word, hint};
}

Error unknown_option(const CLI::App& command, const std::string& flag, const AdapterFlags& adapters,
                     const std::string& help) {
  std::string hint = instead_of_option(words_of(command), flag).value_or("");
  if (hint.empty()) hint = adapters.hint_for(flag);
  if (hint.empty())
    if (const auto near = nearest(flag, flag_names(command))) hint = "did you mean " + *near + "?";
  return {Code::kInvalidArgument, "Unknown option: " + flag, hint.empty() ? help : hint};
}

// The parser's message calls an operand by its name in the code; --help and the documentation call it FILE or RUN.
std::string with_operands_named(const CLI::App& command, const std::string& message) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    const bool is_named = message.starts_with(name + ":") || message.starts_with(name + " ");
    if (!option->nonpositional() && is_named) return operand_name(*option) + message.substr(name.size());
  }
  return message;
}

// What the user most likely did wrong, given what the parser could not place.
Error usage_error(const CLI::App& app, const CLI::ParseError& thrown, const AdapterFlags& adapters) {
  const CLI::App& command = deepest(app);
  const std::string help = how_to(command);
  const auto extra = app.remaining(true);
  if (const auto flag = std::find_if(extra.begin(), extra.end(), is_flag); flag != extra.end())
    return unknown_option(command, flag->substr(0, flag->find('=')), adapters, help);
  if (extra.empty()) return {Code::kInvalidArgument, with_operands_named(command, thrown.what()), help};
  if (command.get_name() == "run")
    return {Code::kInvalidArgument, "Multiple pipeline files specified: " + extra.front() + " is one too many", help};
  return {Code::kInvalidArgument, "Unexpected argument: " + extra.front(), help};
}

// An empty value is most often that of a variable which is not set, and read as no value at all: `--max-cost "$CAP"`
// would be no ceiling, `runs prune --pipeline "$NAME"` all pipelines. Adapters judge their own options.
std::optional<Error> empty_value(const CLI::App& command) {
  for (const CLI::App* app = &command; app; app = app->get_parent())
    for (const CLI::Option* option : app->get_options()) {
      const bool is_another_judge = option->get_group().starts_with("Options of adapter") ||
                                    option->check_lname("adapter") || option->check_lname("sql") ||
                                    option->check_lname("command");
      if (option->count() == 0 || option->get_lnames().empty() || option->get_expected_min() == 0 || is_another_judge)
        continue;
      for (const std::string& value : option->results())
        if (value.empty())
          return Error(Code::kInvalidArgument, option->get_name() + " has an empty value",
                       "is a variable not set? Leave the option out, or give it a value");
    }
  return std::nullopt;
}

// The command that the first words of the command line name, however it is going to be used, and the words after it.
struct NamedCommand {
  CLI::App* command;
  std::vector<std::string> rest;
};

NamedCommand named_command(CLI::App& app, int argc, const char* const* argv) {
  NamedCommand named{&app, {}};
  for (int i = 1; i < argc; ++i) {
    CLI::App* next = named.rest.empty() && !is_flag(argv[i]) ? subcommand(*named.command, argv[i]) : nullptr;
    if (next)
      named.command = next;
    else if (!named.rest.empty() || !is_flag(argv[i]))
      named.rest.emplace_back(argv[i]);
  }
  return named;
}

void add_commands(const CommandTable& table) {
  add_run_command(table);
  add_compile_command(table);
  add_validate_commands(table);
  add_init_command(table);
  add_import_command(table);
  add_runs_commands(table);
  add_state_commands(table);
  add_cache_commands(table);
  add_why_command(table);
  add_logs_commands(table);
  add_report_command(table);
  add_show_command(table);
  add_sql_command(table);
  add_diff_command(table);
  add_clean_command(table);
  add_adapters_commands(table);
  add_components_commands(table);
  add_connections_commands(table);
  add_doctor_command(table);
  add_schedule_commands(table);
  add_schema_command(table);
  add_graph_command(table);
  add_explain_command(table);
  add_completion_command(table);
  add_resources_commands(table);
}

// What a parser need not know. A command line that starts with `run` can be no other command, and building all of them
// takes a good part of a short run's time. Options that an adapter brings are asked of its library.
struct Without {
  bool other_commands = false;  // than run
  bool adapter_options = false;
};

// The parser, with its commands and the options of the adapter that the command line names.
struct Parser {
  Parser(int argc, const char* const* argv, CommandContext& context, Without without = {});

  // Whether the command that the line names does.
  bool uses_adapter() const {
    return std::any_of(adapter_commands.begin(), adapter_commands.end(),
                       [this](const AdapterCommand& user) { return user.command == named.command; });
  }

  AdapterFlags adapters;
  CLI::App app{"Runs data pipelines, on this machine or a remote one.", "osiris"};
  Chosen chosen;
  std::vector<AdapterCommand> adapter_commands;
  NamedCommand named{&app, {}};
};

Parser::Parser(int argc, const char* const* argv, CommandContext& context, Without without)
    : adapters(argc, argv, context) {
  app.set_version_flag("-V,--version", [&context] { return version_text(context); });
  app.add_flag("--json", context.json, "one JSON document on standard output and nothing else");
  app.add_flag("-v,--verbose", context.verbose, "say more; also writes debug.log");
  app.add_flag("-q,--quiet", context.quiet, "say nothing but errors and what was asked for");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(38);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");

  const CommandTable table{app, context, adapters, chosen, adapter_commands};
  without.other_commands ? add_run_command(table) : add_commands(table);
  named = named_command(app, argc, argv);
  if (uses_adapter() && !without.adapter_options) adapters.load(context);
  for (const AdapterCommand& user : adapter_commands) adapters.add_to(*user.command, *user.values);
  add_examples(app, {"osiris init shop", "osiris run pipeline.yaml", "osiris help run"});
  // --json and --verbose mean the same wherever they stand.
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    command->fallthrough();
    add_examples_of_subcommands(*command);
    for (CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; })) sub->fallthrough();
  }
}

// `osiris complete -- WORD...`, which the scripts of `osiris completion` call.
constexpr std::string_view kCompleteCommand = "complete";

// A library is opened where flags are on the line alone: which an adapter has, and which of them take a value.
int print_completions(const std::vector<std::string>& words, CommandContext& context) {
  std::vector<const char*> line = {"osiris"};
  for (const std::string& word : words) line.push_back(word.c_str());
  const bool has_flags =
      std::any_of(words.begin(), words.end(), [](const std::string& word) { return word.starts_with("-"); });
  Parser parser(static_cast<int>(line.size()), line.data(), context, {.adapter_options = !has_flags});
  print_out(context, completion_lines(complete(parser.app, context, parser.adapters, words)));
  return to_int(ExitCode::kOk);
}

// `osiris manual-pages DIRECTORY`, which the build calls.
constexpr std::string_view kManualCommand = "manual-pages";

int write_manual(const std::filesystem::path& directory, CommandContext& context) {
  const char* line[] = {"osiris"};
  Parser parser(1, line, context);
  Status written = make_directories(directory);
  for (const ManualPage& page : manual_pages(parser.app))
    if (written.ok()) written = write_file_atomically(directory / (page.name + ".1"), page.text);
  return written.ok() ? to_int(ExitCode::kOk) : fail(context, written.error());
}

int parse_and_run(int argc, const char* const* argv, CommandContext& context) {
  Parser parser(argc, argv, context, {.other_commands = argc > 1 && std::string_view(argv[1]) == "run"});
  CLI::App& app = parser.app;
  const AdapterFlags& adapters = parser.adapters;
  const Chosen& chosen = parser.chosen;
  if (!parser.named.rest.empty() && !subcommand_names(*parser.named.command).empty())
    return fail(context, unknown_command(*parser.named.command, parser.named.rest), Json::object({{"phase", "usage"}}));
  if (adapters.conflict() && parser.uses_adapter())
    return fail(context, *adapters.conflict(), Json::object({{"phase", "usage"}}));

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
  if (const auto empty = empty_value(deepest(app))) return fail(context, *empty, Json::object({{"phase", "usage"}}));
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

std::string words_of(const CLI::App& command) {
  const std::string path = command_path(command);
  return path == "osiris" ? "" : path.substr(std::string("osiris ").size());
}

CLI::App* subcommand(CLI::App& parent, std::string_view name) {
  for (CLI::App* command : parent.get_subcommands([](CLI::App*) { return true; }))
    if (command->get_name() == name) return command;
  return nullptr;
}

int run_command_line(int argc, const char* const* argv) {
  auto context = CommandContext::of_process();
  if (context.ok() && argc >= 3 && argv[1] == kCompleteCommand && std::string_view(argv[2]) == "--")
    return print_completions(std::vector<std::string>(argv + 3, argv + argc), *context);
  if (context.ok() && argc == 3 && argv[1] == kManualCommand) return write_manual(argv[2], *context);
  const std::vector<std::string> words = with_help_words_spelled_out(argc, argv);
  std::vector<const char*> spelled_out;
  for (const std::string& word : words) spelled_out.push_back(word.c_str());
  // Also an error of the parser itself must know how to speak.
  bool json = false;
  for (const std::string& word : words) json = json || word == "--json";
  if (!context.ok()) {
    CommandContext bare;
    bare.out.fd = 1;
    bare.err.fd = 2;
    bare.json = json;
    return fail(bare, context.error());
  }
  context->json = json;
  const int code = parse_and_run(static_cast<int>(spelled_out.size()), spelled_out.data(), *context);
  if (!context->output_error) return code;
  const Error error(Code::kUnavailable,
                    "cannot write to standard output: " + std::string(strerror(context->output_error)));
  print_note(*context, "❌ " + error.message);
  return code ? code : to_int(exit_code_for(error, ErrorSource::kService));
}

}  // namespace osiris
