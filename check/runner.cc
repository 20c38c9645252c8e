#include "check/runner.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "check/bench/patience.h"
#include "check/bench/processes.h"
#include "check/describe.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

SpawnOptions options_for(const Task& task) {
  SpawnOptions options;
  options.arguments = {task.program.string(), "--child"};
  options.working_directory = task.directory;
  options.standard_output = options.standard_error = SpawnOptions::Stream::kNull;
  std::map<std::string, std::string> variables = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                                  {"HOME", (task.directory / "home").string()},
                                                  {"TMPDIR", (task.directory / "tmp").string()},
                                                  {"TZ", "UTC"},
                                                  {"LC_ALL", "C"}};
  for (const auto& [name, value] : task.answers.environment) variables[name] = value;
  options.environment.assign(variables.begin(), variables.end());
  return options;
}

std::string file_text(const fs::path& file) {
  const auto text = read_file(file, uint64_t{64} << 20);
  return text.ok() ? *text : "";
}

std::string last_words(const fs::path& directory) {
  constexpr size_t kBytesMax = 300;
  std::string words = valid_utf8(std::string(trim(file_text(directory / "stderr"))));
  if (words.size() > kBytesMax) words = "…" + words.substr(words.size() - kBytesMax);
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words.empty() ? "" : "; it said: " + words;
}

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& item : list.items()) texts.push_back(item.as_string());
  return texts;
}

// By what the process left behind and how it ended.
void judge(CaseResult& result, const Task& task, const Result<ExitStatus>& ended) {
  const auto verdict = parse_json(file_text(task.directory / "verdict.json"));
  const std::string at = file_text(task.directory / "stands_at");
  const std::string place = at.empty() ? "" : " in " + at;
  if (!ended.ok()) {
    result.reasons.push_back("the process of the case " +
                             (ended.error().code == Code::kDeadline
                                  ? "had not ended after " + std::to_string(task.answers.case_seconds) + " s, " + at
                                  : "could not be run: " + ended.error().message));
    return;
  }
  if (!verdict.ok()) {
    result.reasons.push_back("the process " + ended->describe() + place + last_words(task.directory));
    return;
  }
  result.notes = texts_of((*verdict)["notes"]);
  const std::string& outcome = (*verdict)["outcome"].as_string();
  result.reasons = texts_of((*verdict)["failures"]);
  const int expected = static_cast<int>((*verdict)["exit_status"].as_int());
  if (ended->signaled || ended->value != expected) {
    result.reasons.push_back("the process was to end with status " + std::to_string(expected) + " and " +
                             ended->describe() + last_words(task.directory));
  } else if (outcome == "skipped") {
    result.outcome = Outcome::kSkipped;
    result.reasons = {(*verdict)["skipped"].as_string()};
  } else if (outcome == "passed") {
    result.outcome = Outcome::kPassed;
  }
}

class Runner {
 public:
  Runner(const RunPlan& plan, fs::path directory) : plan_(plan), directory_(std::move(directory)) {}

  RunResults run() {
    const int64_t began = now_ms();
    RunResults results;
    results.description = describe();
    description_ = results.description;
    results.results.resize(plan_.cases.size());
    std::vector<std::thread> threads;
    const size_t count = std::clamp<size_t>(plan_.jobs, 1, std::max<size_t>(1, plan_.cases.size()));
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back([&] {
        for (size_t at = next_++; at < plan_.cases.size(); at = next_++) results.results[at] = run_case(at);
      });
    for (std::thread& thread : threads) thread.join();
    end_descendants();
    results.duration_ms = now_ms() - began;
    return results;
  }

 private:
  Task task_for(std::string_view id, const std::string& name) const {
    Task task = plan_.task;
    task.case_id = id;
    task.directory = directory_ / name;
    task.cache_dir = directory_ / "cache";
    std::error_code error;
    for (const fs::path& folder : {task.directory / "home", task.directory / "tmp", task.cache_dir})
      fs::create_directories(folder, error);
    return task;
  }

  // The status it ended with; kDeadline: it was ended.
  Result<ExitStatus> start(const Task& task) const {
    OSIRIS_ASSIGN(Subprocess child, Subprocess::spawn(options_for(task)));
    Patience patience(task.answers.case_seconds * 1000);
    const std::string text = to_json(task).dump();
    for (size_t sent = 0; sent < text.size() && !patience.is_over();) {
      pollfd room = {child.stdin_fd(), POLLOUT, 0};
      if (::poll(&room, 1, 100) <= 0) continue;
      const ssize_t taken = ::send(child.stdin_fd(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (taken < 0 && errno != EAGAIN && errno != EINTR) break;  // it has ended
      sent += static_cast<size_t>(std::max<ssize_t>(0, taken));
    }
    child.close_stdin();
    for (;;) {
      if (const auto exit = child.wait(20)) return *exit;
      if (patience.is_over()) return Error(Code::kDeadline, "it took too long");
    }
  }

  Json describe() {
    Task task = task_for(kDescription, "description");
    task.probes = std::any_of(plan_.cases.begin(), plan_.cases.end(),
                              [](const Case* one) { return one->needs & (kTables | kRuns | kChannel); });
    const auto ended = start(task);
    auto json = parse_json(file_text(task.directory / kDescriptionFile));
    Json description = json.ok() && json->is_object() ? *std::move(json) : Json::object();
    if (!ended.ok() || !ended->success())
      description.set("trouble", (ended.ok() ? "the process " + ended->describe() : ended.error().message) +
                                     last_words(task.directory));
    return description;
  }

  std::string reason_to_skip(const Case& chosen) const {
    for (const auto& [pattern, why] : plan_.task.answers.skip)
      if (matches(pattern, chosen.id)) return "the answers file says: " + why;
    for (const unsigned need : {kRuns, kChannel, kResources, kExplanation})
      if (chosen.needs & need)
        if (const Json& why = description_["missing"][need_name(need)]; why.is_string()) return why.as_string();
    return {};
  }

  CaseResult run_case(size_t at) {
    const Case& chosen = *plan_.cases[at];
    CaseResult result;
    result.id = chosen.id;
    result.promise = chosen.promise;
    if (const std::string why = reason_to_skip(chosen); !why.empty()) {
      result.outcome = Outcome::kSkipped;
      result.reasons = {why};
    } else {
      const int64_t began = now_ms();
      Task task = task_for(chosen.id, std::string(chosen.id));
      task.runs = description_["runs"].as_bool(!task.worker.empty());  // not known: found out by running
      judge(result, task, start(task));
      result.duration_ms = now_ms() - began;
      std::error_code error;
      fs::remove_all(task.directory, error);
    }
    const std::lock_guard lock(mutex_);
    if (plan_.at_result) plan_.at_result(result);
    return result;
  }

  const RunPlan& plan_;
  const fs::path directory_;
  Json description_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
};

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kSkipped:
      return "skipped";
  }
  return "failed";
}

size_t RunResults::count(Outcome outcome) const {
  return static_cast<size_t>(
      std::count_if(results.begin(), results.end(), [&](const CaseResult& one) { return one.outcome == outcome; }));
}

Result<RunResults> run_cases(const RunPlan& plan) {
  become_reaper();
  OSIRIS_ASSIGN(const TemporaryDirectory directory, TemporaryDirectory::make());
  return Runner(plan, directory.path()).run();
}

}  // namespace osiris::check
