// The commands of osiris, one file each. Registering adds the command with its options to the parser; if the user chose it,
// parsing sets `chosen` to the function that runs it. Nothing happens while parsing.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>

#include "host/commands/adapter_flags.h"
#include "host/commands/context.h"

namespace osiris {

// Returns the process's exit code.
using Chosen = std::function<int()>;

struct CommandTable {
  CLI::App& app;
  CommandContext& context;
  const AdapterFlags& adapter_flags;
  Chosen& chosen;

  // A command (or, with a parent, a command of a command) whose options go into a fresh Options that run() receives.
  template <class Options>
  CLI::App* add(const char* name, const char* help, void (*options)(CLI::App&, Options&),
                int (*run)(const CommandContext&, const Options&), CLI::App* parent = nullptr) const {
    CLI::App* command = (parent ? parent : &app)->add_subcommand(name, help);
    auto values = std::make_shared<Options>();
    options(*command, *values);
    Chosen* target = &chosen;
    const CommandContext* with = &context;
    command->callback([=] { *target = [=] { return run(*with, *values); }; });
    return command;
  }
};

void add_run_command(const CommandTable& table);
void add_compile_command(const CommandTable& table);
void add_validate_commands(const CommandTable& table);  // validate, oml validate
void add_adapters_commands(const CommandTable& table);
void add_components_commands(const CommandTable& table);
void add_connections_commands(const CommandTable& table);
void add_init_command(const CommandTable& table);
void add_runs_commands(const CommandTable& table);
void add_logs_commands(const CommandTable& table);
void add_resources_commands(const CommandTable& table);  // resources, sandboxes

}  // namespace osiris
