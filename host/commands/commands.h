// The commands of osiris, one file each. Registering adds the command with its options to the parser; if the user chose
// it, parsing sets `chosen` to the function that runs it. Nothing happens while parsing.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/commands/adapter_flags.h"
#include "host/commands/context.h"
#include "host/commands/help.h"

namespace osiris {

// Returns the process's exit code.
using Chosen = std::function<int()>;

// A command that uses an adapter, and where the values of that adapter's flags go.
struct AdapterCommand {
  CLI::App* command;
  FlagValues* values;
};

// The subcommand of this name; null: none.
CLI::App* subcommand(CLI::App& parent, std::string_view name);

struct CommandTable {
  CLI::App& app;
  CommandContext& context;
  AdapterFlags& adapter_flags;
  Chosen& chosen;
  std::vector<AdapterCommand>& adapter_commands;

  // A command (or, with a parent, a command of a command) whose options go into a fresh Options that run() receives.
  // Its help page ends with the examples.
  template <class Options>
  CLI::App* add(const char* name, const char* help, const std::vector<std::string>& examples,
                void (*options)(CLI::App&, Options&), int (*run)(const CommandContext&, const Options&),
                CLI::App* parent = nullptr) const {
    CLI::App* command = (parent ? parent : &app)->add_subcommand(name, help);
    add_examples(*command, examples);
    auto values = std::make_shared<Options>();
    options(*command, *values);
    Chosen* target = &chosen;
    const CommandContext* with = &context;
    command->callback([=] { *target = [=] { return run(*with, *values); }; });
    return command;
  }

  // The same for a command that uses an adapter: `Options` has a member `adapter_flags` for the adapter's own. The
  // adapter is loaded when, and only when, such a command is named; its flags come after those declared here.
  template <class Options>
  CLI::App* add_with_adapter(const char* name, const char* help, const std::vector<std::string>& examples,
                             void (*options)(CLI::App&, Options&),
                             int (*run)(const CommandContext&, const AdapterFlags&, const Options&),
                             CLI::App* parent = nullptr) const {
    CLI::App* command = (parent ? parent : &app)->add_subcommand(name, help);
    add_examples(*command, examples);
    auto values = std::make_shared<Options>();
    options(*command, *values);
    adapter_commands.push_back({command, &values->adapter_flags});
    Chosen* target = &chosen;
    const CommandContext* with = &context;
    const AdapterFlags* adapters = &adapter_flags;
    command->callback([=] { *target = [=] { return run(*with, *adapters, *values); }; });
    return command;
  }
};

void add_run_command(const CommandTable& table);
void add_compile_command(const CommandTable& table);
void add_validate_commands(const CommandTable& table);  // validate, oml validate
void add_adapters_commands(const CommandTable& table);
void add_adapters_new_command(const CommandTable& table, CLI::App* adapters);
void add_adapters_check_command(const CommandTable& table, CLI::App* adapters);
void add_adapters_trust_command(const CommandTable& table, CLI::App* adapters);
void add_components_commands(const CommandTable& table);
void add_connections_commands(const CommandTable& table);
void add_import_command(const CommandTable& table);
void add_init_command(const CommandTable& table);
void add_runs_commands(const CommandTable& table);
void add_state_commands(const CommandTable& table);
void add_cache_commands(const CommandTable& table);
void add_why_command(const CommandTable& table);
void add_logs_commands(const CommandTable& table);
void add_report_command(const CommandTable& table);
void add_show_command(const CommandTable& table);
void add_sql_command(const CommandTable& table);
void add_diff_command(const CommandTable& table);
void add_clean_command(const CommandTable& table);
void add_doctor_command(const CommandTable& table);
void add_schedule_commands(const CommandTable& table);
void add_schema_command(const CommandTable& table);
void add_graph_command(const CommandTable& table);
void add_explain_command(const CommandTable& table);
void add_completion_command(const CommandTable& table);
void add_resources_commands(const CommandTable& table);  // resources, and what adapters call theirs

}  // namespace osiris
