// Secrets: asked for by name at the last moment, and then nowhere to be found. The one that is looked for is of a
// connection that a request names, or of the adapter's own.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "check/bench/processes.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

constexpr const char* kReference = "@mysql.check";
constexpr const char* kName = "connection/mysql.check/password";
constexpr const char* kCanary = "Zk7canary-4f1d-of-the-check";

// A pipeline that is lent a connection with a secret; no step uses it.
Pipeline with_connection(Pipeline pipeline) {
  pipeline.connection(kReference, Json::object({{"host", "db.invalid"}, {"user", "reader"}}), {"password"});
  return pipeline;
}

struct Seen {
  std::string processes;  // arguments and variables of everything below, while the run went on
};

// A run that is lent the canary; false: the adapter takes no pipeline with secrets.
bool run_with_canary(Bench& bench, Life& life, const Pipeline& pipeline, Seen& seen) {
  life.recorder().secrets[kName] = kCanary;
  AdapterRequest request = bench.request(pipeline);
  if (!life.begin(request)) {
    if (!bench.is_settled())
      bench.skip("the adapter takes no pipeline with secrets: " + life.status_of("validate").error().message);
    return false;
  }
  std::atomic<bool> over{false};
  std::thread watcher([&] {
    while (!over) {
      for (const pid_t pid : descendants()) {
        const ProcessView view = view_of(pid);
        seen.processes += view.arguments + view.variables;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  if (life.prepare(request)) {
    life.execute(request);
    life.collect(request);
  }
  over = true;
  watcher.join();
  life.destroy();
  return !bench.is_settled();
}

// The words to look for: the canary, and the adapter's own secrets.
std::vector<std::string> canaries(const Bench& bench) {
  std::vector<std::string> values = bench.secret_values();
  values.emplace_back(kCanary);
  return values;
}

void expect_absent(Bench& bench, const std::string& text, const std::string& where) {
  for (const std::string& value : canaries(bench))
    bench.expect(text.find(value) == std::string::npos, "a secret is in " + where);
}

void for_runs(Bench& bench, const std::function<void(Life&, const Pipeline&, const Seen&)>& look) {
  for (const bool fails : {false, true}) {
    const Pipeline pipeline =
        with_connection(fails ? failing_pipeline(bench.directory("failing")) : small_pipeline(bench.directory("run")));
    Life life(bench);
    Seen seen;
    if (!run_with_canary(bench, life, pipeline, seen)) return;
    look(life, pipeline, seen);
    bench.next_run();
  }
}

void is_in_no_file(Bench& bench) {
  for_runs(bench, [&](Life&, const Pipeline& pipeline, const Seen&) {
    std::error_code error;
    for (const auto& directory :
         {pipeline.directory(), bench.directory("home"), bench.directory("tmp"), bench.directory("state")})
      for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
           at.increment(error)) {
        std::error_code ignored;
        if (!at->is_regular_file(ignored)) continue;
        const auto text = read_file(at->path());
        if (text.ok()) expect_absent(bench, *text, "the file " + at->path().filename().string());
      }
  });
}

void is_in_no_process(Bench& bench) {
  for_runs(bench, [&](Life&, const Pipeline&, const Seen& seen) {
    expect_absent(bench, seen.processes, "the arguments or the environment of a process");
  });
}

void is_told_nowhere(Bench& bench) {
  for_runs(bench, [&](Life& life, const Pipeline&, const Seen&) {
    expect_absent(bench, life.recorder().everything(), "an event, a metric or a log line");
  });
}

void is_in_no_document(Bench& bench) {
  for_runs(bench, [&](Life& life, const Pipeline&, const Seen&) {
    for (const char* stage : {"prepare", "execute", "collect"})
      expect_absent(bench, life.outcome_of(stage).document_text, std::string("the document of ") + stage);
  });
}

void is_in_no_error(Bench& bench) {
  for_runs(bench, [&](Life& life, const Pipeline&, const Seen&) {
    for (const char* stage : {"validate", "prepare", "execute", "collect"}) {
      const Status& status = life.status_of(stage);
      if (!status.ok())
        expect_absent(bench, status.error().message + status.error().hint + status.error().detail.dump(),
                      std::string("the error of ") + stage);
    }
  });
}

void is_not_printed(Bench& bench) {
  for_runs(bench, [&](Life&, const Pipeline&, const Seen&) {
    for (const char* stream : {"stdout", "stderr"}) {
      const auto text = read_file(bench.task().directory / stream);
      if (text.ok()) expect_absent(bench, *text, stream);
    }
  });
}

// What is asked for is set nowhere: the run fails as one says so, or goes on without.
void survives_missing_secrets(Bench& bench) {
  const Pipeline pipeline = with_connection(small_pipeline(bench.directory("run")));
  Life life(bench);
  life.recorder().secrets.clear();
  AdapterRequest request = bench.request(pipeline);
  life.run(request);
  if (bench.is_settled()) return;
  for (const char* stage : {"validate", "prepare", "execute"}) {
    const Status& status = life.status_of(stage);
    if (status.ok()) continue;
    bench.expect(status.error().code != Code::kInternal,
                 std::string(stage) + " calls a secret that is not set a bug of its own: " + status.error().message);
    bench.expect(!status.error().message.empty(), std::string(stage) + " failed without a message");
  }
  life.expect_no_misbehaviour();
}

void asks_late(Bench& bench) {
  const Pipeline pipeline = with_connection(small_pipeline(bench.directory("run")));
  Life life(bench);
  life.recorder().secrets[kName] = kCanary;
  const AdapterRequest request = bench.request(pipeline);
  if (!life.create() || !life.configure()) return;
  bench.expect(life.boundary().secrets_asked().empty(), "a secret was asked for before there was a run");
}

void asks_for_no_other(Bench& bench) {
  for_runs(bench, [&](Life& life, const Pipeline&, const Seen&) {
    for (const std::string& name : life.boundary().secrets_asked())
      bench.expect(name == kName || name.find('/') == std::string::npos,
                   "it asked for " + name + ", which the request does not name");
  });
}

}  // namespace

std::vector<Case> secret_cases() {
  const auto runs = kTables | kRuns;
  return {
      {"secrets.no-file", "A secret is in no file.", is_in_no_file, runs},
      {"secrets.no-process", "A secret is in no process's arguments or environment.", is_in_no_process, runs},
      {"secrets.no-telling", "A secret is in no event, metric or log line.", is_told_nowhere, runs},
      {"secrets.no-document", "A secret is in no document.", is_in_no_document, runs},
      {"secrets.no-error", "A secret is in no error.", is_in_no_error, runs},
      {"secrets.not-printed", "A secret is printed nowhere.", is_not_printed, runs},
      {"secrets.missing", "A secret that is not set is told as such, or done without.", survives_missing_secrets, runs},
      {"secrets.asked-late", "No secret is asked for before validate.", asks_late},
      {"secrets.no-other", "The adapter asks for no secret of a connection that the request does not name.",
       asks_for_no_other, runs},
  };
}

}  // namespace osiris::check
