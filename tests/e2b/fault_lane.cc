#include "tests/e2b/fault_lane.h"

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "protocol/base/clock.h"
#include "tests/e2b_server/testing/http_client.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInput = "id,name\n2,b\n1,a\n";
constexpr const char* kOutput = "id,name\n1,a\n2,b\n";
constexpr const char* kOutputFile = "out/result.csv";

// Read, query, write; before it, `more` steps.
std::string chain(const std::vector<std::string>& more = {}) {
  std::vector<std::string> steps = more;
  steps.push_back(
      "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n");
  steps.push_back(
      "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: "
      "\"SELECT id, name FROM df_read ORDER BY id\"}\n");
  steps.push_back(
      "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: {path: "
      "out/result.csv}\n");
  return e2e::oml("faults", steps);
}

// Read shard by shard, query the union, write: the same output.
std::string shards() {
  return e2e::oml(
      "shards",
      {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: 'in/*.csv'}\n    "
       "config: {path: \"${shard.value}\"}\n",
       "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: "
       "\"SELECT id, name FROM df_read ORDER BY id\"}\n",
       "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: {path: "
       "out/result.csv}\n"});
}

Json fault_of(const RemoteCall& call, const FaultCase& fault, int port) {
  return Json::object({{"route", call.route}, {"nth", call.nth}, {"action", fault.action(port)}});
}

Json fault_on(const char* text) { return *parse_json(text); }

}  // namespace

std::vector<std::string> scaled_limits() {
  return {"--e2b-request-timeout", "2", "--e2b-create-timeout", "2",   "--e2b-connect-timeout", "2",
          "--e2b-retry-budget",    "4", "--e2b-heartbeat-ms",   "500", "--e2b-timeout",         "40",
          "--e2b-build-timeout",   "20"};
}

Lane::Lane(int number) : server_(start_server()), number_(number) {}

std::string Lane::api(const std::string& method, const std::string& path, const Json& body) const {
  e2b_server::HttpClient client(server_.url());
  return client
      .request(method, path, {{"x-api-key", server_.api_key()}, {"content-type", "application/json"}},
               body.is_null() ? "" : body.dump())
      .body;
}

Lane::Prepared Lane::prepare(Scenario scenario, Project& project) {
  Prepared out;
  std::string pipeline = chain();
  std::vector<std::string> more = scaled_limits();
  std::string lease = std::to_string(kLeaseSeconds);
  const Json broken = fault_on(
      R"({"route":"process.Process/Start","nth":1,"action":{"type":"reset","when":"middle","after_bytes":40000}})");
  const std::string talking = chain({e2e::mock_step("talk", "events: 1000, sleep_ms: 800, rows: 1")});
  switch (scenario) {
    case Scenario::kPlain:
    case Scenario::kLostCreate:
    case Scenario::kLostOldCreate:
    case Scenario::kKeep:
    case Scenario::kList:
    case Scenario::kRelease:
    case Scenario::kReleaseTemplate:
      break;
    case Scenario::kOldService:
      out.setup = {fault_on(
          R"({"route":"POST /v2/sandboxes","action":{"type":"status","status":404,"text":"404 page not found"}})")};
      break;
    case Scenario::kBrokenStream:
      pipeline = talking;
      out.setup = {broken};
      break;
    case Scenario::kDeadEnvd:
      pipeline = talking;
      out.setup = {broken, fault_on(R"({"route":"GET /health","count":1,"action":{"type":"status","status":503}})")};
      break;
    case Scenario::kDeadWorker:
      pipeline = talking;
      out.setup = {
          broken,
          fault_on(R"({"route":"process.Process/Connect","nth":1,"action":{"type":"kill_process","when":"request"}})"),
          fault_on(
              R"({"route":"process.Process/Connect","nth":1,"action":{"type":"status","status":404,"code":"not_found"}})")};
      out.exit = 3;
      break;
    case Scenario::kRenewal:
      pipeline = chain({e2e::mock_step("wait", "sleep_ms: 1600, rows: 1")});
      lease = "4";
      break;
    case Scenario::kCancel:
      pipeline = chain({e2e::mock_step("hang", "say: deaf from now on, hang: deaf")});
      break;
    case Scenario::kLostFork:
      out.setup = {
          fault_on(R"({"route":"POST /sandboxes/{id}/fork","nth":1,"action":{"type":"reset","when":"before"}})")};
      [[fallthrough]];
    case Scenario::kFork:
      pipeline = shards();
      project.write("in/1.csv", "id,name\n2,b\n");
      project.write("in/2.csv", "id,name\n1,a\n");
      more.insert(more.end(), {"--e2b-sandboxes", "2"});
      break;
    case Scenario::kShape:
      fs::remove_all(server_.data() / "uploads");  // what was put there once is not asked for again
      fs::create_directories(server_.data() / "uploads");
      more.insert(more.end(), {"--e2b-cpu", "2", "--e2b-mem", std::to_string(1024 + 2 * ++shapes_) + "MiB"});
      break;
  }
  project.write("pipeline.yaml", pipeline);
  project.write("in.csv", kInput);
  more.insert(more.end(), {"--e2b-lease", lease, "--e2b-pass-env", "SHOP_PASSWORD"});
  if (scenario == Scenario::kLostOldCreate)
    out.setup = {fault_on(R"({"route":"POST /v2/sandboxes","action":{"type":"status","status":405}})"),
                 fault_on(R"({"route":"POST /sandboxes","nth":1,"action":{"type":"reset","when":"before"}})")};
  if (scenario == Scenario::kLostCreate)
    out.setup = {fault_on(R"({"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"before"}})")};
  if (scenario == Scenario::kCancel) {
    more.insert(more.end(), {"--e2b-heartbeat-ms",
                             "2000"});  // the second thing it is sent is the cancel, not a question about silence
    more.push_back("--verbose");
    out.interrupt_at = "deaf from now on";  // a step that is only starting would still listen
    out.exit = 130;
  }
  if (scenario == Scenario::kKeep) {
    more.push_back("--e2b-keep");
    out.kept_max = 2;  // one that could not be taken over is left to its lease
    const Outcome first = project.osiris(run_arguments("e2b", more));
    if (first.exit != 0) ADD_FAILURE() << "the run that keeps its sandbox failed: " << first.err;
  }
  out.arguments = run_arguments("e2b", more);
  const std::vector<std::string> limits = {"--e2b-request-timeout", "2", "--e2b-connect-timeout", "2",
                                           "--e2b-retry-budget",    "4"};
  const auto resources = [&](std::vector<std::string> words) {
    out.arguments = {"resources"};
    out.arguments.insert(out.arguments.end(), words.begin(), words.end());
    out.arguments.insert(out.arguments.end(), {"--adapter", "e2b"});
    out.arguments.insert(out.arguments.end(), limits.begin(), limits.end());
  };
  if (scenario == Scenario::kList) resources({"list"});
  if (scenario == Scenario::kRelease) {
    const auto created =
        parse_json(api("POST", "/v2/sandboxes", Json::object({{"templateID", "base"}, {"timeout", kLeaseSeconds}})));
    resources({"release", created ? (*created)["sandboxID"].as_string() : "none"});
  }
  if (scenario == Scenario::kReleaseTemplate) {
    const auto created = parse_json(
        api("POST", "/v3/templates", Json::object({{"name", "osiris-to-release-" + std::to_string(++shapes_)}})));
    resources({"release", created ? (*created)["templateID"].as_string() : "none", "--kind", "template"});
  }
  return out;
}

// A handler that still sleeps in a stall may act after the client has gone, and a request that waits on its connection
// comes after that.
void Lane::await_quiet() const {
  const bool quiet = test::eventually([&] {
    if (server_.stats()["connections"].as_int() > 1) return false;  // more than the one that asks
    const Json all = server_.requests_by_arrival();
    for (const Json& request : all.items())
      if (request["open"].as_bool()) return false;
    return true;
  });
  if (!quiet) ADD_FAILURE() << "requests stay open: " << server_.requests_by_arrival().dump();
}

// Interrupted once it has printed `interrupt_at`, unless that is empty.
Outcome Lane::run_under(const Project& project, const std::vector<std::string>& arguments,
                        const std::string& interrupt_at, const Json& faults, Ended& ended) {
  await_quiet();
  server_.clear_requests();
  if (const Status set = server_.set_faults(faults); !set)
    ended.complaints.push_back("the plan was refused: " + set.error().message);
  const int64_t started_ns = system_clock().monotonic_ns();
  Outcome outcome;
  if (interrupt_at.empty()) {
    outcome = project.osiris(arguments);
  } else {
    e2e::Running running = project.start(arguments);
    running.until(interrupt_at);
    running.kill(SIGINT);
    outcome = running.end();
  }
  ended.seconds = static_cast<double>(system_clock().monotonic_ns() - started_ns) / 1e9;
  ended.exit = outcome.exit;
  await_quiet();
  // The plan counts calls it was meant for; what really struck is in the record of each.
  const Json planned = server_.faults();
  const Json recorded = server_.requests();
  for (const Json& fault : planned.items()) {
    bool struck = false;
    for (const Json& request : recorded.items())
      for (const Json& name : request["faults"].items())
        struck |= ::fnmatch(fault["route"].as_string().c_str(), request["route"].as_string().c_str(), 0) == 0 &&
                  name.as_string().starts_with(fault["type"].as_string());
    ended.last_hit = struck && fault["hits"].as_int() > 0;
    ended.hit |= ended.last_hit;
  }
  server_.clear_faults();
  return outcome;
}

Ended Lane::run_pipeline(const std::string& oml, const std::map<std::string, std::string>& files,
                         const std::vector<std::string>& options, const Json& faults,
                         const std::map<std::string, std::string>& outputs) {
  Project project;
  use_server(project, server_);
  project.set("SHOP_PASSWORD", kCanary);
  project.write("pipeline.yaml", oml);
  for (const auto& [file, content] : files) project.write(file, content);
  Ended ended;
  const Outcome outcome = run_under(project, run_arguments("e2b", options), "", faults, ended);
  if (outcome.exit == 3) check_error(server_, project, outcome, ended);
  check_invariants(server_, project, outcome, outputs, ended);
  return ended;
}

Ended Lane::run(const RemoteCall& call, const std::optional<FaultCase>& fault) {
  Project project;
  use_server(project, server_);
  project.set("SHOP_PASSWORD", kCanary);
  server_.clear_faults();
  const Prepared prepared = prepare(call.scenario, project);
  Json faults = Json::array();
  for (const Json& setup : prepared.setup) faults.push_back(setup);
  if (fault && fault->is_relayed()) go_through_front(project, *fault);
  if (fault) faults.push_back(fault_of(call, *fault, front_ ? front_->control_port() : 0));
  const int cuts = front_ ? front_->cuts() : 0;
  Ended ended;
  const Outcome outcome = run_under(project, prepared.arguments, prepared.interrupt_at, faults, ended);
  ended.hit = fault && ended.last_hit && (!fault->is_relayed() || front_->cuts() > cuts);
  const bool is_run = prepared.arguments.front() == "run";
  if (outcome.exit == 3 || (outcome.exit != 0 && outcome.exit != prepared.exit))
    check_error(server_, project, outcome, ended);
  std::map<std::string, std::string> outputs;
  if (is_run && prepared.exit == 0) outputs[kOutputFile] = kOutput;
  check_invariants(server_, project, outcome, outputs, ended, prepared.kept_max);
  if (call.scenario == Scenario::kShape || call.scenario == Scenario::kReleaseTemplate) remove_templates();
  return ended;
}

// TLS and HTTP/2 all the way, cut where the fault says.
void Lane::go_through_front(Project& project, const FaultCase& fault) {
  using Where = http::Cut::Where;
  if (!front_)
    front_ = std::make_unique<http::CuttingFront>(std::atoi(server_.url().c_str() + server_.url().rfind(':') + 1));
  ASSERT_TRUE(front_->is_up()) << front_->error();
  project.set("OSIRIS_E2B_API_URL", front_->url());
  project.set("OSIRIS_E2B_SANDBOX_URL", front_->url());
  project.set("OSIRIS_E2B_CA_FILE", front_->ca_file());
  front_->plan({fault.at == "tls_record" ? Where::kRecord
                : fault.at == "h2_data"  ? Where::kData
                                         : Where::kHeaders,
                fault.resets});
}

// Each is as large as the worker.
void Lane::remove_templates() const {
  const auto templates = parse_json(api("GET", "/v2/templates?limit=100"));
  if (!templates) return;
  for (const Json& item : templates->items())
    if (item["names"].dump().find("osiris-") != std::string::npos ||
        item["aliases"].dump().find("osiris-") != std::string::npos)
      api("DELETE", "/templates/" + item["templateID"].as_string());
}

void run_in_lanes(int lanes, size_t count, const std::function<void(Lane&, size_t)>& work) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < lanes; ++i)
    threads.emplace_back([&, i] {
      Lane lane(i);
      for (size_t index; (index = next++) < count;) work(lane, index);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace osiris::e2b_test
