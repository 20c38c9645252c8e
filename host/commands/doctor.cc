// osiris doctor: whether this machine has what osiris needs, each with a hint.
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "host/adapters/loader.h"
#include "host/adapters/option_values.h"
#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/commands/version.h"
#include "host/compiler/connection_check.h"
#include "host/display/format.h"
#include "host/run/worker_binary.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWorkerMs = 20'000;  // to say its version
constexpr uint64_t kFreeBytesNeeded = uint64_t{1} << 20;
constexpr uint64_t kFreeBytesWanted = uint64_t{1} << 30;  // for spilling, sessions and outputs
constexpr rlim_t kOpenFilesWanted = 256;                  // of steps that read many files, and connections

struct Options {};
void add_options(CLI::App&, Options&) {}

// What was looked at. A warning does not keep pipelines from running.
class Findings {
 public:
  explicit Findings(const CommandContext& context) : context_(context) {}

  void ok(const std::string& what, const std::string& found) { add(what, "ok", "✓", found, ""); }
  void warn(const std::string& what, const std::string& found, const std::string& hint) {
    add(what, "warning", "⚠", found, hint);
  }
  void broken(const std::string& what, const std::string& found, const std::string& hint) {
    add(what, "error", "✗", found, hint);
    is_well_ = false;
  }
  void broken(const std::string& what, const Error& error) { broken(what, error.message, error.hint); }

  bool is_well() const { return is_well_; }
  Json document() const { return Json::object({{"healthy", is_well_}, {"checks", all_}}); }

 private:
  void add(const std::string& what, const char* status, const char* mark, const std::string& found,
           const std::string& hint) {
    all_.push_back(Json::object(
        {{"check", what}, {"status", status}, {"found", found}, {"hint", hint.empty() ? Json() : Json(hint)}}));
    print_text(context_, std::string(mark) + " " + pad(what, 12) + "  " + printable(found) + "\n" +
                             (hint.empty() ? "" : "   💡 " + printable(hint) + "\n"));
  }

  const CommandContext& context_;
  Json all_ = Json::array();
  bool is_well_ = true;
};

// The worker starts and answers; its first error line, if it does not.
Status try_worker(const fs::path& worker) {
  SpawnOptions options;
  options.arguments = {worker.string(), "--version"};
  options.standard_input = options.standard_output = options.standard_error = SpawnOptions::Stream::kNull;
  OSIRIS_ASSIGN(Subprocess process, Subprocess::spawn(options));
  const auto ended = process.wait(kWorkerMs);
  if (ended && ended->success()) return {};
  return Error(Code::kUnavailable,
               "the worker " + worker.string() + " " + (ended ? ended->describe() : std::string("does not answer")));
}

void check_worker(const CommandContext& context, Findings& findings) {
  const auto worker = locate_worker(context.executable_directory, context.process_environment);
  if (!worker.ok()) return findings.broken("worker", worker.error());
  const auto linkage = worker_linkage(*worker);
  if (!linkage.ok()) return findings.broken("worker", linkage.error());
  if (const Status started = try_worker(*worker); !started.ok()) return findings.broken("worker", started.error());
  if (linkage->is_static) return findings.ok("worker", worker->string() + ", " + linkage->name());
  findings.warn(
      "worker", worker->string() + ": " + linkage->sentence(),
      "`make build` in a clone of osiris, or the package, gives the static one, which also runs in sandboxes");
}

void check_adapters(const CommandContext& context, Findings& findings) {
  const auto places = search_directories(process_search_inputs({}));
  bool has_any = false;
  for (const FoundAdapter& found : list_adapters(places)) {
    if (found.shadowed) continue;
    const std::string what = "adapter";
    if (!found.problem.empty()) {
      findings.broken(what, found.id + ": " + found.problem, "osiris adapters list -v shows where it comes from");
      continue;
    }
    const auto adapter = load_adapter_interruptibly(context, found.id, places);
    if (!adapter.ok()) {
      findings.broken(what, adapter.error());
      continue;
    }
    has_any = true;
    std::vector<std::string> missing;
    for (const SecretSpec& secret : secret_specs(*adapter->type))
      if (!context.environment.get_filled(secret.name)) missing.push_back(secret.name);
    const std::string name = found.id + " " + std::string(adapter->version());
    if (missing.empty())
      findings.ok(what, name);
    else
      findings.warn(what, name + ": " + missing.front() + " is not set",
                    "set it in the environment or in .env of the project to use this adapter");
  }
  if (!has_any)
    findings.broken("adapter", "no adapter can be loaded", "osiris adapters list -v says where they are looked for");
}

void check_project(const CommandContext& context, Findings& findings) {
  Diagnostics diagnostics;
  const Project project = Project::load(context.place, context.environment, diagnostics);
  if (!diagnostics.ok())
    return findings.broken("project", diagnostics.errors().front().message, "osiris validate shows where");
  if (!project.is_project())
    return findings.warn("project", "none here or above: records are kept with your own files",
                         "osiris init makes one");
  findings.ok("project", project.directory().string());

  const ComponentRegistry registry =
      ComponentRegistry::load({ComponentRegistry::installed_directory(context.executable_directory)}, diagnostics);
  const auto connections = Connections::load(context.place.directory, context.environment, context.prefix());
  if (!connections.ok()) return findings.broken("connections", connections.error());
  if (!connections->has_file()) return findings.ok("connections", "no file, and none needed without databases");
  Diagnostics of_connections;
  check_connections(*connections, registry, of_connections);
  size_t count = 0;
  for (const std::string& family : connections->families()) count += connections->aliases(family).size();
  const std::string found = connections->file().string() + ", " + counted(count, "connection");
  if (!of_connections.ok())
    findings.broken("connections", of_connections.errors().front().message, "osiris validate shows where");
  else if (!of_connections.warnings().empty())
    findings.warn("connections", found + ": " + of_connections.warnings().front().message,
                  "osiris connections doctor tries each of them");
  else
    findings.ok("connections", found + "; osiris connections doctor tries them");
}

// Where osiris writes: the project and what the worker spills.
void check_disk(const CommandContext& context, Findings& findings) {
  const fs::path temporary = context.environment.get_filled("TMPDIR").value_or("/tmp");
  for (const fs::path& directory : {context.place.directory, temporary}) {
    struct statvfs room{};
    if (::statvfs(directory.c_str(), &room) != 0) {
      findings.broken("disk", errno_error(errno, "cannot look at", directory));
      continue;
    }
    const uint64_t free_bytes = uint64_t{room.f_bavail} * room.f_frsize;
    const std::string found = directory.string() + ": " + format_bytes(free_bytes) + " free";
    if (::access(directory.c_str(), W_OK) != 0)
      findings.broken("disk", errno_error(errno, "cannot write to", directory));
    else if (free_bytes < kFreeBytesNeeded)
      findings.broken("disk", found, "free some space: no run can be recorded; osiris clean removes old sessions");
    else if (free_bytes < kFreeBytesWanted)
      findings.warn("disk", found, "osiris clean removes old sessions; large joins and sorts spill to disk");
    else
      findings.ok("disk", found);
  }
}

// What adapters, workers and their processes ask of the system. Without pidfds no process is started.
void check_kernel(Findings& findings) {
  struct utsname system{};
  ::uname(&system);
  const std::string name = std::string(system.sysname) + " " + system.release;
  const FileDescriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.is_open())
    return errno == ENOSYS
               ? findings.broken("kernel", name + " has no pidfd_open", "it takes Linux 5.3 or later")
               : findings.broken("kernel", name + ": pidfd_open is refused here",
                                 "a container's seccomp profile forbids it: take a newer container runtime, "
                                 "or let its profile allow pidfd_open");
  if (std::error_code code; !fs::exists("/proc/self/status", code))
    return findings.broken("kernel", name + ": /proc is not mounted", "mount -t proc proc /proc");
  struct rlimit open_files{};
  ::getrlimit(RLIMIT_NOFILE, &open_files);
  const std::string number =
      open_files.rlim_cur == RLIM_INFINITY ? "any number of" : std::to_string(open_files.rlim_cur);
  const std::string files = number + " files open at once";
  if (open_files.rlim_cur < kOpenFilesWanted)
    return findings.warn("kernel", name + ", " + files, "raise the limit: ulimit -n 1024");
  findings.ok("kernel", name + ", " + files);
}

void check_python(const CommandContext& context, Findings& findings) {
  for (const std::string& directory : split(context.environment.get("PATH").value_or(""), ':'))
    if (!directory.empty() && ::access((directory + "/python3").c_str(), X_OK) == 0)
      return findings.ok("python", directory + "/python3");
  findings.warn("python", "no python3 on PATH", "python.processor needs one; other components do not");
}

int run(const CommandContext& context, const Options&) {
  Findings findings(context);
  findings.ok("osiris", "v" + std::string(kVersion) + ", " + context.executable_directory.string());
  check_kernel(findings);
  check_worker(context, findings);
  check_adapters(context, findings);
  check_project(context, findings);
  check_disk(context, findings);
  check_python(context, findings);
  if (context.json) print_json(context, findings.document());
  if (findings.is_well()) return to_int(ExitCode::kOk);
  const Error ill(Code::kUnavailable, "osiris lacks something here");
  print_note(context, "❌ " + ill.message);
  return to_int(exit_code_for(ill, ErrorSource::kService));
}

}  // namespace

void add_doctor_command(const CommandTable& table) {
  table.add<Options>("doctor", "Check what osiris needs on this machine", {"osiris doctor"}, add_options, run);
}

}  // namespace osiris
