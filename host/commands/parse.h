// The command line: builds the parser, runs it, and turns what the library throws into our messages.
#pragma once

#include "host/commands/context.h"

namespace osiris {

// Parses, runs the chosen command and returns the process's exit code.
int run_command_line(int argc, const char* const* argv);

}  // namespace osiris
