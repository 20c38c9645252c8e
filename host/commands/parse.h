// The command line: builds the parser, runs it, and turns what the library throws into our messages.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "host/commands/context.h"

namespace osiris {

// What `osiris help` and the errors call a command: "logs show"; empty for osiris itself.
std::string words_of(const CLI::App& command);

// Parses, runs the chosen command and returns the process's exit code.
int run_command_line(int argc, const char* const* argv);

}  // namespace osiris
