// What every command starts from, and the ways every command speaks: results on stdout, errors on stderr, one JSON
// document on stdout and nothing else with --json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/components/registry.h"
#include "host/display/terminal.h"
#include "host/project/connections.h"
#include "host/project/environment.h"
#include "host/project/project.h"
#include "host/run/exit_status.h"
#include "host/yaml/diagnostic.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct CommandContext {
  Environment environment;          // the process's, completed by .env files
  Environment process_environment;  // without them: a cloned repository must not choose which program is started
  std::vector<std::filesystem::path> dotenv_files;
  std::optional<Error>
      dotenv_refused;  // a .env file that another user could have written: commands that use the project fail with it
  std::filesystem::path cwd;                   // absolute; paths on the command line start here
  ProjectPlace place;                          // paths in the project's files start at its directory
  std::filesystem::path executable_directory;  // of the running osiris
  Terminal out, err;
  bool json = false;
  bool verbose = false;
  bool quiet = false;  // only errors, and what a command was asked to print
  // Why standard output took less than it was given (a full disk): what was promised there did not arrive. A reader
  // that has seen enough and left is no such reason.
  mutable int output_error = 0;

  // The environment, the .env files and the terminals of this process.
  static Result<CommandContext> of_process();

  // <prefix> of <prefix>/bin/osiris.
  std::filesystem::path prefix() const { return executable_directory.parent_path(); }
};

// The project's files, as every command that looks at pipelines needs them.
struct Workspace {
  Project project;
  ComponentRegistry registry;
  Connections connections;
  // Borrows the workspace and the context.
  CompileInputs inputs(const CommandContext& context) const;
};
// Wrong files are an error (kInvalidArgument) after every finding was printed; warnings are printed.
Result<Workspace> load_workspace(const CommandContext& context);
// osiris.yaml alone, for commands that look at no pipeline: the same of it.
Result<Project> load_project(const CommandContext& context);

void print_out(const CommandContext& context, std::string_view text);   // stdout
void print_text(const CommandContext& context, std::string_view text);  // stdout, unless --json
void print_news(const CommandContext& context, std::string_view text);  // the same, unless --quiet: how things go
void print_json(const CommandContext& context, const Json& document);   // stdout
void print_err(const CommandContext& context, std::string_view text);   // stderr
void print_note(const CommandContext& context, std::string_view text);  // stderr, one line
void print_warning(const CommandContext& context, std::string_view text);
// "❌ message" and "   💡 hint", a line each at least; long ones are cut, and `where` says where the whole is.
std::string error_text(const CommandContext& context, std::string_view message, std::string_view hint,
                       std::string_view where);
// On stderr: a line for each, and where the file is known its line with a caret.
void print_diagnostics(const CommandContext& context, const Diagnostics& diagnostics);

// The same for a document, without secrets that stand in a line.
Json findings_json(const std::vector<Diagnostic>& findings);

// "p.yaml does not compile: 2 errors": what is left to say once the findings are printed.
Error does_not_compile(const std::string& file, const Diagnostics& diagnostics);

// "❌ <message>" and "   💡 <hint>" on stderr; with --json also {"status":"error",...} with `extra` on stdout.
// Returns the exit code that belongs to the error, which is in the document too.
int fail(const CommandContext& context, const Error& error, const Json& extra = Json::object(),
         ErrorSource source = ErrorSource::kInput);

}  // namespace osiris
