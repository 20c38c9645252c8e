// What `osiris run` says at the end, and the copy --out asks for.
#pragma once

#include <filesystem>

#include "host/commands/context.h"
#include "host/run/masking.h"
#include "host/run/report.h"

namespace osiris {

// Text to stdout and errors to stderr, or one JSON document. `note` is a line more, before the session's.
void print_report(const CommandContext& context, const RunReport& report, const Masking& masking,
                  const std::string& note);

// The last line of what a run says. Before it, outside a project, where the record went.
void print_session(const CommandContext& context, const std::filesystem::path& directory);

// Copies what the run wrote (under its own relative path; absolute and ../ ones under their file name) and artifacts/,
// links as links. Pipes, sockets and devices are left out, each with a warning in the report.
Status copy_out(RunReport& report, const std::filesystem::path& directory);

}  // namespace osiris
