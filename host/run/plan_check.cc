#include "host/run/plan_check.h"

#include <algorithm>
#include <string>

#include "host/compiler/adapter_inputs.h"
#include "host/compiler/sql_place.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/wipe.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// What a worker on this machine gets.
constexpr const char* kWorkerPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int64_t kLimitMs = 20'000;
constexpr size_t kAnswerBytesMax = 16u << 20;

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
  spawn.environment = {{"PATH", kWorkerPath}};
  spawn.working_directory = check.work_dir;
  const auto output = run_command(std::move(spawn), kLimitMs, kAnswerBytesMax, input);
  wipe(input);
  if (!output.ok()) return output.error();
  if (!output->exit.success())
    return Error(Code::kUnavailable, "the worker " + output->exit.describe() + ": " + output->standard_error);
  return parse_json(output->standard_output);
}

void add_finding(const CompiledStep& step, const Json& report, Diagnostics& findings) {
  const Json& error = report["error"];
  const std::string location = "step '" + step.id + "'";
  const std::string& message = error["message"].as_string();
  const Mark mark = place_of_sql_error(step, findings.text(), error);
  if (error[kOnlySomeRows].as_bool())
    findings.warning("sql_constant", message + ", as soon as a row needs it", location, mark,
                     error["hint"].as_string());
  else if (report["sampled"].as_bool() && error[kDependsOnTypes].as_bool())
    findings.warning("sql_types", message + ", as far as the first rows of its inputs show", location, mark,
                     error["hint"].as_string());
  else
    findings.error("sql_error", message, location, mark, error["hint"].as_string());
}

// And not of the machine, the network or a file that is not there yet.
bool is_fault_of_pipeline(const Json& error) {
  const Code code = code_from_name(error["code"].as_string());
  return code == Code::kInvalidArgument || code == Code::kStepFailed;
}

// What a database says of a step's query: a query that it refuses is an error; that it could not be asked is none of
// the pipeline's.
void add_answer_of_database(const CompiledStep& step, const Json& error, Diagnostics& findings) {
  const std::string location = "step '" + step.id + "'";
  const Mark mark = place_of_sql_error(step, findings.text(), error);
  if (is_fault_of_pipeline(error))
    findings.error("sql_error", error["message"].as_string(), location, mark, error["hint"].as_string());
  else
    findings.warning("sql_not_checked", "the query was not checked: " + error["message"].as_string(), location, mark,
                     error["hint"].as_string());
}

// The place of the key that the message is about, or its hint, or of the file.
Mark place_of_key(const CompiledStep& step, const Json& error) {
  const std::string& message = error["message"].as_string();
  for (const auto& [key, mark] : step.config_marks) {
    const bool is_named = message.find("'" + key + "'") != std::string::npos || message.starts_with(key + " of ") ||
                          error["hint"].as_string().find("under `" + key + "`") != std::string::npos;
    if (is_named) return mark;
  }
  const auto path = step.config_marks.find("path");
  return path == step.config_marks.end() ? step.mark : path->second;
}

// What a reader says of the first rows of its file, and a writer of its input's columns and its directory. That an
// input file is missing is said by the check of paths.
void add_refusal(const CompiledStep& step, const Json& error, Diagnostics& findings) {
  const std::string location = "step '" + step.id + "'";
  const std::string& message = error["message"].as_string();
  const std::string& hint = error["hint"].as_string();
  if (is_fault_of_pipeline(error))
    findings.error("file_error", message, location, place_of_key(step, error), hint);
  else if (code_from_name(error["code"].as_string()) != Code::kNotFound)
    return;
  else if (step.mode == "write")
    findings.warning("missing_file", message, location, place_of_key(step, error), hint);
  else if (step.mode == "transform")
    findings.warning("missing_program", message + "; elsewhere it may be there", location, place_of_key(step, error),
                     hint);
}

// What is wrong with a step's data checks: of their columns, their values, their SQL.
void add_faults_of_checks(const CompiledStep& step, const Json& report, Diagnostics& findings) {
  for (const Json& fault : report["checks"].items()) {
    const size_t index = fault["index"].as_uint();
    if (index >= step.checks.size()) continue;
    const CompiledCheck& each = step.checks[index];
    const Json& error = fault["error"];
    const std::string message = "check " + each.check.name + ": " + error["message"].as_string();
    const std::string location = "step '" + step.id + "'", hint = error["hint"].as_string();
    if (report["sampled"].as_bool() && error[kDependsOnTypes].as_bool())
      findings.warning("check_types", message + ", as far as the first rows show", location, each.mark, hint);
    else
      findings.error("check_error", message, location, each.mark, hint);
  }
}

bool has_files(const CompiledStep& step, const ComponentRegistry& registry) {
  const ComponentSpec* spec = registry.find(step.component);
  return spec && !(spec->reads.empty() && spec->writes.empty());
}

}  // namespace

void check_plan(const PlanCheck& check, Diagnostics& findings) {
  const auto& steps = check.pipeline.steps;
  const auto can_be_asked = [&](const CompiledStep& step) {
    return check.connect || step.is_engine_sql || has_files(step, check.inputs.registry);
  };
  if (std::none_of(steps.begin(), steps.end(), can_be_asked)) return;
  const auto plan = make_adapter_inputs(check.pipeline, check.inputs,
                                        {.work_dir = check.work_dir, .env_names = {}, .without_connections = true});
  const auto answer = plan.ok() ? ask_worker(check, *plan) : Result<Json>(plan.error());
  if (!answer.ok()) {
    findings.warning("sql_not_checked", "the SQL was not checked: " + answer.error().message, "", {},
                     answer.error().hint);
    return;
  }
  for (const Json& report : (*answer)["steps"].items()) {
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const CompiledStep& known) {
      return known.id == report["step_id"].as_string();
    });
    if (step == steps.end()) continue;
    add_faults_of_checks(*step, report, findings);
    if (report["error"].is_null()) continue;
    if (step->is_engine_sql)
      add_finding(*step, report, findings);
    else if (check.connect && step->config_marks.contains(step->sql_key))
      add_answer_of_database(*step, report["error"], findings);
    else if (step->sql_key.empty())
      add_refusal(*step, report["error"], findings);
  }
}

}  // namespace osiris
