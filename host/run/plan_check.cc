#include "host/run/plan_check.h"

#include <stdlib.h>

#include <algorithm>
#include <string>

#include "host/compiler/adapter_inputs.h"
#include "host/compiler/sql_place.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLimitMs = 20'000;
constexpr size_t kAnswerBytesMax = 16u << 20;

class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> make() {
    std::error_code code;
    const fs::path parent = fs::temp_directory_path(code);
    if (code) return errno_error(code.value(), "cannot find", "the directory for temporary files");
    std::string name = (parent / "osiris-check-XXXXXX").string();
    if (!::mkdtemp(name.data())) return errno_error(errno, "cannot make a directory in", parent);
    return TemporaryDirectory(name);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

// Secret values go with it only where connections may be asked.
Result<Json> request_for(const PlanCheck& check, const AdapterInputs& plan, const fs::path& directory) {
  Json request = Json::object({{"plan", to_json(plan.plan)},
                               {"connections", plan.connections_json["connections"]},
                               {"connect", check.connect},
                               {"work_dir", check.work_dir.string()},
                               {"session_dir", (directory / "session").string()}});
  if (!check.connect) return request;
  Json secrets = Json::object();
  for (const std::string& name : plan.secret_names) {
    OSIRIS_ASSIGN(const SecretString value, check.inputs.connections.secret_value(name));
    secrets.set(name, value.view());
  }
  request.set("secrets", std::move(secrets));
  return request;
}

Result<Json> ask_worker(const PlanCheck& check, const AdapterInputs& plan) {
  OSIRIS_ASSIGN(const TemporaryDirectory directory, TemporaryDirectory::make());
  OSIRIS_ASSIGN(Json request, request_for(check, plan, directory.path()));
  std::string input = request.dump();
  wipe(request);
  SpawnOptions spawn;
  spawn.arguments = {check.worker.string(), "--check-plan"};
  spawn.environment = {{"PATH", "/usr/bin:/bin"}};
  spawn.working_directory = check.work_dir;
  const auto output = run_command(std::move(spawn), kLimitMs, kAnswerBytesMax, input);
  wipe(input);
  if (!output.ok()) return output.error();
  if (!output->exit.success())
    return Error(Code::kUnavailable, "the worker " + output->exit.describe() + ": " + output->standard_error);
  return parse_json(output->standard_output);
}

// Whether an error may be gone with other types of columns: the engine binds names before it looks at types.
bool is_about_types(const std::string& message) {
  static constexpr std::string_view kAboutTypes[] = {"No function matches", "Cannot compare",   "Cannot mix",
                                                     "Conversion Error",    "Cannot combine",   "explicit type casts",
                                                     "must be of type",     "Could not convert"};
  return std::any_of(std::begin(kAboutTypes), std::end(kAboutTypes),
                     [&](std::string_view words) { return message.find(words) != std::string::npos; });
}

// Without the engine's copy of the line, which is shown from the file, and without its list of every function there is.
std::string shortened(const std::string& message) {
  constexpr std::string_view kPrefix = "the SQL failed: ";
  const size_t begin = message.starts_with(kPrefix) ? kPrefix.size() : 0;
  size_t end = message.find("\nLINE ");
  end = std::min(end, message.find("\n\tCandidate functions:"));
  end = std::min(end, message.find("\n\nCandidate functions:"));
  return std::string(trim(std::string_view(message).substr(begin, end == std::string::npos ? end : end - begin)));
}

void add_finding(const CompiledStep& step, const Json& report, Diagnostics& findings) {
  const Json& error = report["error"];
  const std::string location = "step '" + step.id + "'";
  const std::string& message = error["message"].as_string();
  const std::string shown = shortened(message);
  const Mark mark = place_of_sql_error(step, findings.text(), error);
  if (report["sampled"].as_bool() && is_about_types(message))
    findings.warning("sql_types", shown + ", as far as the first rows of its inputs show", location, mark,
                     error["hint"].as_string());
  else
    findings.error("sql_error", shown, location, mark, error["hint"].as_string());
}

// What a database says of a step's query: a query that it refuses is an error; that it could not be asked is none of
// the pipeline's.
void add_answer_of_database(const CompiledStep& step, const Json& error, Diagnostics& findings) {
  const std::string location = "step '" + step.id + "'";
  const auto query = step.config_marks.find("query");
  const Mark mark = query == step.config_marks.end() ? step.mark : query->second;
  if (error["category"].as_string() == category::kExtractQueryFailed)
    findings.error("sql_error", error["message"].as_string(), location, mark, error["hint"].as_string());
  else
    findings.warning("sql_not_checked", "the query was not checked: " + error["message"].as_string(), location, mark,
                     error["hint"].as_string());
}

}  // namespace

void check_plan(const PlanCheck& check, Diagnostics& findings) {
  const auto& steps = check.pipeline.steps;
  const auto has_sql = [](const CompiledStep& step) { return !step.sql_key.empty(); };
  if (!check.connect && std::none_of(steps.begin(), steps.end(), has_sql)) return;
  const auto plan = make_adapter_inputs(check.pipeline, check.inputs,
                                        {.work_dir = check.work_dir, .env_names = {}, .without_connections = true});
  const auto answer = plan.ok() ? ask_worker(check, *plan) : Result<Json>(plan.error());
  if (!answer.ok()) {
    findings.warning("sql_not_checked", "the SQL was not checked: " + answer.error().message, "", {},
                     answer.error().hint);
    return;
  }
  for (const Json& report : (*answer)["steps"].items()) {
    if (report["error"].is_null()) continue;
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const CompiledStep& known) {
      return known.id == report["step_id"].as_string();
    });
    if (step == steps.end()) continue;
    if (has_sql(*step))
      add_finding(*step, report, findings);
    else if (check.connect && step->config_marks.contains("query"))
      add_answer_of_database(*step, report["error"], findings);
  }
}

}  // namespace osiris
