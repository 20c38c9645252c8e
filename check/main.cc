// osiris-adapter-check FILE.so: puts an adapter to the promises of the ABI, each in a process of its own, without its
// sources (docs/adapter-check.md). Exit status: 0 all that was run passed, 1 some failed, 2 usage or this machine.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "check/answers.h"
#include "check/bench/worker_between.h"
#include "check/child.h"
#include "check/report/report.h"
#include "check/runner.h"
#include "host/adapters/adapter_manifest.h"
#include "host/installation/installation.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

constexpr int kPassed = 0, kFailed = 1, kUsage = 2;

struct Arguments {
  fs::path library, manifest, answers, worker, verify, junit, html;
  std::string adapter_id;
  std::vector<std::string> only;
  unsigned jobs = 2 * std::max(1u, std::thread::hardware_concurrency());  // most cases wait most of the time
  bool lists = false, json = false, quiet = false;
};

int usage(const std::string& message, const std::string& hint = {}) {
  std::fprintf(stderr, "osiris-adapter-check: %s\n", message.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  %s\n", hint.c_str());
  return kUsage;
}
int usage(const Error& error) { return usage(error.message, error.hint); }

void describe_arguments(CLI::App& app, Arguments& arguments) {
  app.add_option("FILE", arguments.library, "the adapter's library");
  app.add_option("--adapter", arguments.adapter_id, "which adapter, where the library holds several")->type_name("ID");
  app.add_option("--manifest", arguments.manifest, "its <id>.adapter.toml; else one beside it that names it")
      ->type_name("FILE");
  app.add_option("--answers", arguments.answers, "what the adapter must be told: options, secrets, environment")
      ->type_name("FILE");
  app.add_option("--worker", arguments.worker, "osiris-worker; else the one installed with this program")
      ->type_name("FILE");
  app.add_option("--only", arguments.only, "only cases whose id fits the pattern; may be repeated")->type_name("GLOB");
  app.add_option("--jobs", arguments.jobs, "how many cases at once")->type_name("N")->check(CLI::Range(1, 256));
  app.add_flag("--list", arguments.lists, "print every case with its promise, and run nothing");
  app.add_flag("--json", arguments.json, "print the result as a JSON document");
  app.add_option("--junit", arguments.junit, "write the result as JUnit's XML")->type_name("FILE");
  app.add_option("--html", arguments.html, "write the result as a page that holds all of it")->type_name("FILE");
  app.add_option("--verify", arguments.verify,
                 "check a published result; with FILE, that it is of this library, and that what passed passes")
      ->type_name("RESULT");
  app.add_flag("--quiet", arguments.quiet, "print failures and totals only");
  app.set_version_flag("--version", std::string("osiris-adapter-check ") + OSIRIS_VERSION);
}

std::vector<const Case*> chosen_cases(const std::vector<std::string>& patterns) {
  std::vector<const Case*> chosen;
  for (const Case& one : all_cases()) {
    bool fits = patterns.empty();
    for (const std::string& pattern : patterns) fits |= matches(pattern, one.id);
    if (fits) chosen.push_back(&one);
  }
  return chosen;
}

int list(const std::vector<const Case*>& cases) {
  for (const Case* one : cases)
    std::printf("%-32.*s %.*s\n", static_cast<int>(one->id.size()), one->id.data(),
                static_cast<int>(one->promise.size()), one->promise.data());
  return kPassed;
}

// The manifest beside the library that names it, or has its name and cannot be read; the one of `id` where there are
// several.
fs::path manifest_beside(const fs::path& library, const std::string& id) {
  fs::path found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(library.parent_path(), error)) {
    if (!entry.path().string().ends_with(".adapter.toml")) continue;
    const auto manifest = read_adapter_manifest(entry.path());
    std::error_code ignored;
    if (!manifest.ok()) {
      const bool has_its_name = entry.path().filename().string() == library.stem().string() + ".adapter.toml";
      if (has_its_name && found.empty()) found = entry.path();
      continue;
    }
    if (fs::canonical(manifest->library, ignored) != library) continue;
    if (found.empty() || manifest->id == id) found = entry.path();
  }
  return found;
}

Result<RunPlan> plan_of(const Arguments& arguments) {
  RunPlan plan;
  std::error_code error;
  Task& task = plan.task;
  task.library = fs::canonical(arguments.library, error);
  if (error || !fs::is_regular_file(task.library, error))
    return Error(Code::kNotFound, arguments.library.string() + " is no file", "name the adapter's library");
  task.program = fs::read_symlink("/proc/self/exe", error);
  if (!arguments.answers.empty()) {
    OSIRIS_ASSIGN(task.answers, read_answers(arguments.answers));
  }
  task.adapter_id = arguments.adapter_id;
  task.manifest =
      arguments.manifest.empty() ? manifest_beside(task.library, task.adapter_id) : fs::absolute(arguments.manifest);
  if (!arguments.manifest.empty() && !fs::exists(task.manifest, error))
    return Error(Code::kNotFound, task.manifest.string() + " does not exist");
  const bool is_named = !arguments.worker.empty() || !task.answers.worker.empty();
  task.worker = !arguments.worker.empty() ? fs::absolute(arguments.worker)
                : !task.answers.worker.empty()
                    ? task.answers.worker
                    : installed_library_directory(task.program.parent_path()) / "osiris-worker";
  if (const auto digest = sha256_file(task.worker); digest.ok()) {
    task.worker_sha256 = digest->sha256;
  } else if (is_named) {
    return digest.error();
  } else {
    task.worker.clear();
  }
  plan.cases = chosen_cases(arguments.only);
  plan.jobs = arguments.jobs;
  if (plan.cases.empty()) return Error(Code::kInvalidArgument, "no case fits --only", "--list names them");
  return plan;
}

void print_result(const CaseResult& result, bool quiet) {
  if (quiet && result.outcome != Outcome::kFailed) return;
  const char* const mark = result.outcome == Outcome::kPassed   ? "ok"
                           : result.outcome == Outcome::kFailed ? "FAILED"
                                                                : "skipped";
  std::printf("%-8s %s", mark, result.id.c_str());
  if (result.outcome == Outcome::kFailed) std::printf(": %s", result.promise.c_str());
  std::printf("\n");
  for (const std::string& reason : result.reasons) std::printf("           %s\n", reason.c_str());
  std::fflush(stdout);
}

void print_totals(const Json& document) {
  const Json &totals = document["totals"], &adapter = document["adapter"];
  if (adapter["id"].is_string())
    std::printf("%s %s, ", adapter["id"].as_string().c_str(), adapter["version"].as_string().c_str());
  std::printf("%lld cases in %.1f s: %lld passed, %lld failed, %lld skipped\n",
              static_cast<long long>(totals["cases"].as_int()),
              static_cast<double>(document["duration_ms"].as_int()) / 1e3,
              static_cast<long long>(totals["passed"].as_int()), static_cast<long long>(totals["failed"].as_int()),
              static_cast<long long>(totals["skipped"].as_int()));
}

Status write_reports(const Arguments& arguments, const Json& document) {
  if (!arguments.junit.empty()) OSIRIS_TRY(write_file_atomically(arguments.junit, junit_of(document)));
  if (!arguments.html.empty()) OSIRIS_TRY(write_file_atomically(arguments.html, html_of(document)));
  return {};
}

Result<Json> check(const Arguments& arguments) {
  OSIRIS_ASSIGN(RunPlan plan, plan_of(arguments));
  if (!arguments.json) plan.at_result = [&](const CaseResult& result) { print_result(result, arguments.quiet); };
  OSIRIS_ASSIGN(const RunResults results, run_cases(plan));
  return result_document(plan, results, {OSIRIS_VERSION, arguments.only.empty(), arguments.jobs});
}

int run(const Arguments& arguments) {
  const auto document = check(arguments);
  if (!document.ok()) return usage(document.error());
  if (const Status written = write_reports(arguments, *document); !written.ok()) return usage(written.error());
  if (arguments.json)
    std::printf("%s\n", document->dump_pretty().c_str());
  else
    print_totals(*document);
  return (*document)["totals"]["failed"].as_int() ? kFailed : kPassed;
}

// What the result calls passed, run again: the ids of those that do not pass.
std::vector<std::string> broken_promises(const Json& published, const Json& again) {
  std::map<std::string, std::string> now;
  for (const Json& one : again["cases"].items()) now[one["id"].as_string()] = one["outcome"].as_string();
  std::vector<std::string> broken;
  for (const Json& one : published["cases"].items())
    if (const std::string& id = one["id"].as_string(); one["outcome"].as_string() == "passed" && now[id] != "passed")
      broken.push_back(id + " is " + (now[id].empty() ? "no case" : now[id]) + " here");
  return broken;
}

int verify(const Arguments& arguments) {
  const auto published = read_result(arguments.verify);
  if (!published.ok()) return usage(published.error());
  std::vector<std::string> doubts = doubts_about(*published, arguments.library);
  if (doubts.empty() && !arguments.library.empty()) {
    Arguments again = arguments;
    again.quiet = true;
    const auto document = check(again);
    if (!document.ok()) return usage(document.error());
    doubts = broken_promises(*published, *document);
  }
  for (const std::string& doubt : doubts) std::printf("doubtful: %s\n", doubt.c_str());
  const Json& adapter = (*published)["adapter"];
  std::printf("%s %s, SHA-256 %s: ", adapter["id"].as_string().c_str(), adapter["version"].as_string().c_str(),
              adapter["sha256"].as_string().c_str());
  if (doubts.empty())
    std::printf(arguments.library.empty() ? "the result is whole; give the library to run it again\n"
                                          : "the result is of this library, and what passed passes\n");
  else
    std::printf("the result cannot be relied on\n");
  return doubts.empty() ? kPassed : kFailed;
}

int run_command_line(int argc, char** argv) {
  CLI::App app("Puts an osiris execution adapter to the promises of its ABI, without its sources.",
               "osiris-adapter-check");
  Arguments arguments;
  describe_arguments(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kPassed : kUsage;
  }
  if (arguments.lists) return list(chosen_cases(arguments.only));
  if (!arguments.verify.empty()) return verify(arguments);
  if (arguments.library.empty()) return usage("which library?", "osiris-adapter-check --help");
  return run(arguments);
}

}  // namespace
}  // namespace osiris::check

int main(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == "--child") return osiris::check::run_child();
  if (argc >= 3 && std::string_view(argv[1]) == "--worker-between") return osiris::check::run_worker_between(argv[2]);
  return osiris::check::run_command_line(argc, argv);
}
