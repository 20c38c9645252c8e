#include "host/commands/context.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/display/annotations.h"
#include "host/display/format.h"
#include "host/run/masking.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr std::string_view kWholeElsewhere = "--json gives all";

// After its findings are shown; a document of --json has no other place for them.
Error cannot_be_used(const CommandContext& context, const Diagnostics& findings) {
  Error error = findings.to_error();
  if (context.json) return error;
  error.message = findings.file() + " cannot be used: " + counted(findings.errors().size(), "error");
  error.hint.clear();
  return error;
}

}  // namespace

Result<CommandContext> CommandContext::of_process() {
  CommandContext context;
  std::error_code code;
  context.cwd = std::filesystem::current_path(code);
  if (code) return errno_error(code.value(), "cannot find out", "the working directory");
  const std::filesystem::path executable = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return errno_error(code.value(), "cannot read", "/proc/self/exe");
  context.executable_directory = executable.parent_path();
  context.process_environment = context.environment = Environment::of_process();
  // Standard output is ours alone: what an adapter's library prints there goes to standard error, and cannot spoil a
  // document that a program reads.
  const int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return errno_error(errno, "cannot keep", "standard output");
  context.out = terminal_of(out, context.environment);
  context.err = terminal_of(STDERR_FILENO, context.environment);
  context.place = find_project(context.cwd, context.environment);
  for (const std::string& warning : context.place.warnings) print_warning(context, warning);
  // In a tree of Python Osiris, .env is looked for from the working directory: dotenv_candidates() knows its places.
  const bool has_config = std::filesystem::exists(context.place.directory / "osiris.yaml", code);
  Environment::DotenvReport dotenv =
      context.environment.load_dotenv_files(has_config ? context.place.directory : context.cwd);
  context.dotenv_files = std::move(dotenv.files);
  context.dotenv_refused = std::move(dotenv.refused);
  for (const std::string& warning : dotenv.warnings) print_warning(context, warning);
  return context;
}

CompileInputs Workspace::inputs(const CommandContext& context) const {
  return CompileInputs{project, registry, connections, context.environment, system_clock()};
}

Result<Project> load_project(const CommandContext& context) {
  Diagnostics diagnostics("osiris.yaml");
  Project project = Project::load(context.place, context.environment, diagnostics);
  print_diagnostics(context, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  return project;
}

Result<Workspace> load_workspace(const CommandContext& context) {
  // Paths travel in JSON documents, to the worker and into the session.
  if (!is_valid_utf8(context.cwd.string()))
    return Error(Code::kInvalidArgument,
                 "the name of the working directory is not UTF-8: " + valid_utf8(context.cwd.string()),
                 "rename it, or work elsewhere");
  if (context.dotenv_refused) return *context.dotenv_refused;
  Diagnostics diagnostics("osiris.yaml");
  Workspace workspace;
  workspace.project = Project::load(context.place, context.environment, diagnostics);
  workspace.registry =
      ComponentRegistry::load({ComponentRegistry::installed_directory(context.executable_directory)}, diagnostics);
  print_diagnostics(context, diagnostics);
  if (!diagnostics.ok()) return cannot_be_used(context, diagnostics);
  Diagnostics findings;
  auto connections = Connections::load(context.place.directory, context.environment, context.prefix(), &findings);
  if (!connections.ok()) {
    if (findings.ok()) return connections.error();
    print_diagnostics(context, findings);
    return cannot_be_used(context, findings);
  }
  workspace.connections = *std::move(connections);
  return workspace;
}

void print_out(const CommandContext& context, std::string_view text) {
  const int failed = write_text(context.out.fd, terminal_text(text));
  if (failed && failed != EPIPE && !context.output_error) context.output_error = failed;
}

void print_text(const CommandContext& context, std::string_view text) {
  if (!context.json) print_out(context, text);
}

void print_news(const CommandContext& context, std::string_view text) {
  if (!context.quiet) print_text(context, text);
}

void print_json(const CommandContext& context, const Json& document) {
  print_out(context, terminal_json(document.dump_pretty()) + "\n");
}

void print_err(const CommandContext& context, std::string_view text) {
  write_text(context.err.fd, terminal_text(text));
}

void print_note(const CommandContext& context, std::string_view text) {
  print_err(context, printable(excerpt(mask_shapes(text), kWholeElsewhere)) + "\n");
}

std::string error_text(const CommandContext& context, std::string_view message, std::string_view hint,
                       std::string_view where) {
  std::string text = paint("❌ " + printable(excerpt(message, where), true), Color::kRed, context.err.color) + "\n";
  if (!hint.empty()) text += "   💡 " + printable(excerpt(hint, where), true) + "\n";
  return text;
}

void print_warning(const CommandContext& context, std::string_view text) {
  print_note(context, "⚠️  " + std::string(text));
}

void print_diagnostics(const CommandContext& context, const Diagnostics& diagnostics) {
  constexpr size_t kShownMax = 100;  // of each kind; --json has all
  std::string text;
  const auto print = [&](const std::vector<Diagnostic>& findings, const char* kind) {
    for (size_t i = 0; i < findings.size() && i < kShownMax; ++i)
      text += printable(excerpt(findings[i].to_text(), kWholeElsewhere)) + "\n" +
              printable(findings[i].excerpt(mask_shapes), true);
    if (findings.size() > kShownMax)
      text += "... and " + std::to_string(findings.size() - kShownMax) + " more " + kind + "\n";
  };
  print(diagnostics.errors(), "errors");
  print(diagnostics.warnings(), "warnings");
  if (wants_annotations(context.process_environment))
    for (const auto* findings : {&diagnostics.errors(), &diagnostics.warnings()})
      for (const Diagnostic& finding : *findings) text += annotation(finding, context.cwd, context.process_environment);
  print_err(context, text);
}

Json findings_json(const std::vector<Diagnostic>& findings) {
  Json out = Json::array();
  for (const Diagnostic& finding : findings) out.push_back(finding.to_json(mask_shapes));
  return out;
}

Error does_not_compile(const std::string& file, const Diagnostics& diagnostics) {
  const size_t count = diagnostics.errors().size();
  return {diagnostics.to_error().code,
          file + " does not compile: " + std::to_string(count) + (count == 1 ? " error" : " errors"), "",
          category::kValidationFailed};
}

int fail(const CommandContext& context, const Error& error, const Json& extra, ErrorSource source) {
  const int exit_code = to_int(exit_code_for(error, source));
  print_err(context, error_text(context, mask_shapes(error.message), mask_shapes(error.hint), kWholeElsewhere));
  if (!context.json) return exit_code;
  Json document = Json::object({{"status", "error"}});
  for (const auto& [key, value] : extra.members()) document.set(key, value);
  document.set("message", mask_shapes(error.message));
  if (!error.hint.empty()) document.set("hint", mask_shapes(error.hint));
  document.set("code", code_name(error.code));
  document.set("exit_code", exit_code);
  print_json(context, document);
  return exit_code;
}

}  // namespace osiris
