#include "worker/check/plan_check.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"
#include "protocol/model/step_naming.h"
#include "protocol/rpc/params.h"
#include "worker/executor/check_query.h"
#include "worker/executor/step_context.h"
#include "worker/log.h"
#include "worker/run_setup.h"

namespace osiris::worker {
namespace {

constexpr size_t kRequestBytesMax = 256u << 20;
constexpr int kExitFailed = 3;

// What steps report on their way is of no interest.
class NoRecords : public RecordSink {
 public:
  void emit(rpc::Record) override {}
};

struct Known {
  std::shared_ptr<const Relation> relation;  // null: only a run can tell its columns
  bool sampled = false;
};

// Whether an error may be gone with other types of columns: the engine binds names before it looks at types.
bool depends_on_types(const std::string& message) {
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

class PlanChecker {
 public:
  PlanChecker(RunSetup setup, bool connects)
      : run_(std::move(setup.run)), plan_(std::move(setup.plan)), connects_(connects), log_(-1) {
    DatabaseOptions options;
    options.threads = 1;
    options.spill_dir = run_.worker_dir() / "spill";
    run_.database = std::make_shared<Database>(options);
  }

  Json check() {
    Json steps = Json::array();
    for (const PlanStep& step : plan_.steps) steps.push_back(check_step(step));
    return Json::object({{"steps", std::move(steps)}});
  }

 private:
  Json check_step(const PlanStep& step) {
    Json report = Json::object({{"step_id", step.id}, {"columns", Json()}, {"sampled", false}, {"error", Json()}});
    const Driver* driver = run_.find_driver(step.driver);
    if (!driver || !driver->describe || step.check || (driver->describe_connects && !connects_)) return report;
    if (step.shards && step.shards->list.empty()) return report;
    const Inputs inputs = gather(step);
    if (step.mode == StepMode::kWrite && !inputs.unknown.empty()) return report;
    Known known;
    known.sampled = (step.mode == StepMode::kExtract && !driver->describe_connects) || inputs.sampled;
    report.set("sampled", known.sampled);
    const Status described = describe(step, *driver, inputs, known);
    if (!described.ok() && described.error().code != Code::kUnsupported)
      report.set("error", to_json(described.error()));
    if (known.relation)
      if (auto columns = columns_of(*known.relation); columns.ok()) report.set("columns", *std::move(columns));
    if (known.relation && !step.checks.empty()) report.set("checks", faults_of_checks(step, inputs, known.relation));
    known_[step.id] = std::move(known);
    return report;
  }

  struct Inputs {
    std::vector<StepInput> views;
    std::vector<Input> inputs;
    std::vector<std::string> unknown;  // names of relations whose columns are not known
    bool sampled = false;
  };

  Inputs gather(const PlanStep& step) const {
    Inputs inputs;
    for (const PlanInput& input : step.inputs) {
      const auto found = known_.find(input.from_step);
      if (found == known_.end() || !found->second.relation) {
        inputs.unknown.push_back(input.name);
        continue;
      }
      inputs.sampled = inputs.sampled || found->second.sampled;
      inputs.views.push_back({{input.name}, found->second.relation, input.from_step});
      inputs.inputs.push_back({input.name, input.from_step, 0});
    }
    if (inputs.views.size() + inputs.unknown.size() == 1) {
      if (inputs.unknown.empty())
        inputs.views[0].names.emplace_back(kOnlyInputName);
      else
        inputs.unknown.emplace_back(kOnlyInputName);
    }
    return inputs;
  }

  // What is wrong with its data checks, as far as its columns tell: [{"index", "error"}].
  Json faults_of_checks(const PlanStep& step, const Inputs& inputs, const std::shared_ptr<const Relation>& rows) {
    Json faults = Json::array();
    for (size_t i = 0; i < step.checks.size(); ++i) {
      std::vector<StepInput> views = inputs.views;
      views.push_back(checked_rows(step, rows));
      StepDatabase database(run_.database, step.id, std::move(views), inputs.unknown);
      const Status status = bind_check(step.checks[i], *rows, step.id, database);
      if (!status.ok() && status.error().code != Code::kUnsupported)
        faults.push_back(Json::object({{"index", uint64_t{i}}, {"error", to_json(status.error())}}));
    }
    return faults;
  }

  Status bind_check(const DataCheck& check, const Relation& relation, const std::string& step_id,
                    StepDatabase& database) {
    if (check.kind == CheckKind::kRowCount) return {};
    if (check.kind == CheckKind::kSql) return database.describe_confined(check.text);
    if (!database.handle()) return database.error();
    OSIRIS_ASSIGN(const CheckSource rows, check_source(database.handle(), relation));
    std::optional<CheckSource> target;
    if (!check.to_step.empty()) {
      const auto known = known_.find(check.to_step);
      const Relation* found = check.to_step == step_id ? &relation
                              : known == known_.end()  ? nullptr
                                                       : known->second.relation.get();
      if (!found) return {};  // only a run can tell
      OSIRIS_ASSIGN(target, check_source(database.handle(), *found));
    }
    OSIRIS_ASSIGN(const std::string query, check.kind == CheckKind::kFreshness
                                               ? newest_value(check, rows)
                                               : failing_rows(check, rows, target ? &*target : nullptr));
    return sql::execute(database.handle(), "EXPLAIN " + query);
  }

  Status describe(const PlanStep& step, const Driver& driver, const Inputs& inputs, Known& known) {
    Json config = step.cfg;
    if (step.shards) config = config_of_shard(config, *step.shards, step.shards->list.front());
    config.erase("component");
    config.erase("connection");
    StepControl control;
    StepDatabase database(run_.database, step.id, inputs.views, inputs.unknown);
    const ConnectionFields connection = fields_of(step);
    AttemptContext context({run_, step, control, database, records_, log_, config,
                            step.connection.empty() ? nullptr : &connection, inputs.inputs,
                            run_.worker_dir() / "scratch" / step.id});
    OSIRIS_TRY(driver.describe(context));
    OSIRIS_TRY(database.error());
    OSIRIS_ASSIGN(known.relation, database.take_output());
    return {};
  }

  // With the secrets that were sent: none, unless connections may be asked.
  ConnectionFields fields_of(const PlanStep& step) const {
    if (step.connection.empty()) return {};
    const Json* document = run_.connections.find(step.connection);
    PlanConnection plan = plan_connection_from_json(step.connection, document ? *document : Json());
    for (const auto& [field, secret] : plan.secrets)
      if (const Json* value = run_.secrets.find(secret)) plan.fields.set(field, *value);
    return {std::move(plan.family), std::move(plan.alias), std::move(plan.fields), std::move(plan.addresses)};
  }

  Result<Json> columns_of(const Relation& relation) const {
    OSIRIS_ASSIGN(const auto connection, run_.database->connect());
    OSIRIS_ASSIGN(auto rows, sql::run_query(connection->handle(), "DESCRIBE " + relation.qualified_name()));
    Json columns = Json::array();
    for (idx_t row = 0; row < rows.rows(); ++row)
      columns.push_back(Json::object({{"name", rows.text(0, row)}, {"type", rows.text(1, row)}}));
    return columns;
  }

  static Json to_json(const Error& error) {
    const Json* offset = error.detail.find(kSqlOffset);
    const Json* judged = error.detail.find(kDependsOnTypes);
    const Json* only_some_rows = error.detail.find(kOnlySomeRows);
    return Json::object({{"message", shortened(error.message)},
                         {"hint", error.hint},
                         {"code", code_name(error.code)},
                         {"category", error.category},
                         {kDependsOnTypes, judged ? judged->as_bool() : depends_on_types(error.message)},
                         {kOnlySomeRows, only_some_rows && only_some_rows->as_bool()},
                         {kSqlOffset, offset ? *offset : Json()}});
  }

  Run run_;
  Plan plan_;
  bool connects_;
  NoRecords records_;
  Log log_;
  std::map<std::string, Known> known_;
};

}  // namespace

Result<Json> check_plan(Json request) {
  rpc::PrepareParams params;
  params.run_id = "check";
  params.session_dir = request["session_dir"].as_string();
  params.work_dir = request["work_dir"].as_string();
  params.plan = request["plan"];
  params.connections = request["connections"];
  params.secrets = request["secrets"].is_object() ? request["secrets"] : Json::object();
  params.env = Json::object();
  const bool connects = request["connect"].as_bool();
  wipe(request);
  OSIRIS_ASSIGN(RunSetup setup, set_up_run(std::move(params), OSIRIS_VERSION));
  return PlanChecker(std::move(setup), connects).check();
}

int check_plan_command() {
  auto text = read_all(STDIN_FILENO, "stdin", kRequestBytesMax);
  auto request = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (text.ok()) wipe(*text);
  const auto answer = request.ok() ? check_plan(*std::move(request)) : Result<Json>(request.error());
  if (!answer.ok()) {
    std::fprintf(stderr, "osiris-worker: %s\n", answer.error().message.c_str());
    return kExitFailed;
  }
  return write_all(STDOUT_FILENO, answer->dump() + "\n") ? 0 : kExitFailed;
}

}  // namespace osiris::worker
