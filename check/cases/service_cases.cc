// What the adapter hands to the host's services, looked at in runs that succeed, fail and are cancelled.
#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "check/case.h"
#include "check/cases/stage_support.h"
#include "host/adapters/abi_text.h"
#include "protocol/base/text.h"

namespace osiris::check {
namespace {

using Visit = std::function<void(Life&)>;

// Three runs, each looked at after its instance has ended.
void observe(Bench& bench, const Visit& visit) {
  const Pipeline good = any_pipeline(bench, "good");
  const bool runs = !good.plan().steps.empty();
  std::vector<std::pair<Pipeline, bool>> pipelines;
  const auto watch = [&](const Pipeline& pipeline, bool cancelled) {
    Life life(bench);
    AdapterRequest request = bench.request(pipeline);
    bench.next_run();
    if (life.begin(request) && life.prepare(request)) {
      if (cancelled) life.cancel();
      life.execute(request);
      life.collect(request);
    }
    life.destroy();
    if (!bench.is_settled()) visit(life);
  };
  watch(good, false);
  if (runs) watch(failing_pipeline(bench.directory("failing")), false);
  watch(any_pipeline(bench, "cancelled"), true);
}

std::function<void(Bench&)> nothing_found(const char* kind) {
  return [kind](Bench& bench) {
    observe(bench, [&](Life& life) {
      for (const std::string& what : life.boundary().findings(kind)) bench.fail(what);
    });
  };
}

void breaks_no_rule(Bench& bench) {
  observe(bench, [](Life& life) { life.expect_no_misbehaviour(); });
}

// Words of osiris's own: what the worker tells of steps, and the lifecycle of an adapter (docs/plugin-abi.md).
bool is_osiris_name(const std::string& name) {
  static const std::set<std::string> words = {"heartbeat",
                                              "progress",
                                              "session_initialized",
                                              "dependency_check",
                                              "dependency_installed",
                                              "artifacts_collected",
                                              "artifacts_dir_created",
                                              "cfg_opened",
                                              "config_meta_stripped",
                                              "artifact_created",
                                              "inputs_resolved",
                                              "output_written",
                                              "service_selected",
                                              "egress_rules",
                                              "dependencies_prepared"};
  static const char* const prefixes[] = {"step_",     "connection_", "cleanup_", "resource_", "worker_", "package_",
                                         "sandbox_",  "template_",   "adapter_", "run_",      "rows_",   "csv_",
                                         "artifact_", "input_",      "output_",  "sql_",      "driver_", "dependency_"};
  return words.count(name) > 0 || std::any_of(std::begin(prefixes), std::end(prefixes),
                                              [&](const char* prefix) { return name.starts_with(prefix); });
}

void names_are_its_own(Bench& bench) {
  const std::string own = abi_copy(bench.type().id) + ".";
  observe(bench, [&](Life& life) {
    for (const auto& event : life.recorder().moments("event"))
      bench.expect(event.name.find('.') == std::string::npos ? is_osiris_name(event.name) : event.name.starts_with(own),
                   "the event '" + event.name + "' is neither osiris's nor begins with " + own);
  });
}

void metrics_are_its_own(Bench& bench) {
  const std::string own = abi_copy(bench.type().id) + ".";
  observe(bench, [&](Life& life) {
    for (const auto& metric : life.recorder().moments("metric"))
      bench.expect(metric.name.find('.') == std::string::npos || metric.name.starts_with(own),
                   "the metric '" + metric.name + "' is another adapter's");
  });
}

void steps_are_of_the_plan(Bench& bench) {
  observe(bench, [&](Life& life) {
    static const std::set<std::string> ids = {"read", "pick", "write", "wrong"};
    for (const auto& event : life.recorder().moments("event"))
      bench.expect(event.step_id.empty() || ids.count(event.step_id) > 0,
                   "an event is of the step '" + event.step_id + "', which the pipeline has not");
  });
}

void failures_can_be_read(Bench& bench) {
  observe(bench, [&](Life& life) {
    for (const char* stage : {"validate", "prepare", "execute", "collect"}) {
      const Status& status = life.status_of(stage);
      if (status.ok()) continue;
      const std::string& message = status.error().message;
      bench.expect(!message.empty(), std::string(stage) + " failed without a message");
      bench.expect(message.find('\0') == std::string::npos, std::string(stage) + ": its message holds a zero byte");
      bench.expect(message.size() < 10'000, std::string(stage) + ": its message has " + std::to_string(message.size()) +
                                                " bytes; it is for a person");
    }
  });
}

void resources_are_told_first(Bench& bench) {
  observe(bench, [&](Life& life) {
    std::set<std::string> known;
    for (const auto& event : life.recorder().moments("event")) {
      const std::string resource = event.data["kind"].as_string() + " " + event.data["id"].as_string();
      if (event.name == "resource_acquired") {
        known.insert(resource);
        bench.expect(!event.data["kind"].as_string().empty() && !event.data["id"].as_string().empty(),
                     "a resource was acquired without a kind or an id");
        bench.expect(!event.data["cleanup"].as_string().empty(),
                     "resource_acquired of " + resource + " does not say what a person can do about it");
      }
      if (event.name == "resource_released")
        bench.expect(known.count(resource) > 0, resource + " was released and never acquired");
    }
  });
}

void resources_are_released(Bench& bench) {
  observe(bench, [&](Life& life) {
    for (const std::string& resource : life.recorder().unreleased())
      bench.fail(resource + " was acquired and not released");
    for (const auto& event : life.recorder().moments("event"))
      if (event.name == "resource_released")
        bench.expect(event.data["verified"].as_bool() || event.data["kept"].as_bool(),
                     event.data["kind"].as_string() + " was released without a look whether it is gone");
  });
}

// A thread that is not joined shows itself by calling again.
void is_quiet_after_destroy(Bench& bench) {
  std::vector<Boundary*> boundaries;
  observe(bench, [&](Life& life) { boundaries.push_back(&life.boundary()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  for (const Boundary* boundary : boundaries)
    bench.expect(boundary->calls_after_destroy() == 0,
                 "a service was called " + std::to_string(boundary->calls_after_destroy()) + " times after destroy");
}

void is_quiet_after_calls(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  LifeOptions options;
  options.after = [](const std::string&) { std::this_thread::sleep_for(std::chrono::milliseconds(150)); };
  Life life(bench, options);
  life.run(request);
  life.expect_no_misbehaviour();
  int64_t last_end = 0;
  for (const auto& call : life.calls()) {
    for (const auto& event : life.recorder().moments("event"))
      bench.expect(call.stage == "create" || event.at_ns <= last_end || event.at_ns >= call.began_ns,
                   "the event " + event.name + " arrived between two calls");
    last_end = call.ended_ns;
  }
}

void asks_for_its_own_secrets(Bench& bench) {
  std::set<std::string> own;
  for (size_t i = 0; i < bench.type().secret_count; ++i) own.insert(abi_copy(bench.type().secrets[i]->name));
  observe(bench, [&](Life& life) {
    for (const std::string& name : life.boundary().secrets_asked())
      bench.expect(own.count(name) > 0, "it asked for the secret " + name);  // the request names none
  });
}

}  // namespace

std::vector<Case> service_cases() {
  return {
      {"services.no-rule-broken", "Osiris itself sees no rule broken in runs that succeed, fail and are cancelled.",
       breaks_no_rule},
      {"services.table", "Host services are called with the table that create was given.", nothing_found("table")},
      {"services.sizes", "Every struct handed to the host says its size.", nothing_found("size")},
      {"services.reserved", "Reserved fields of what is handed to the host are 0.", nothing_found("reserved")},
      {"services.utf8", "Every text handed to the host is UTF-8.", nothing_found("text")},
      {"services.absent", "A text without data has no length.", nothing_found("absent")},
      {"services.limits", "No name, message or document is longer than the ABI allows.", nothing_found("limits")},
      {"services.numbers", "Times are times, numbers are finite, levels are those of the header.",
       nothing_found("number")},
      {"services.event-names", "Events have osiris's names or begin with the adapter's id and a dot.",
       names_are_its_own},
      {"services.metric-names", "Metrics have osiris's names or begin with the adapter's id and a dot.",
       metrics_are_its_own},
      {"services.step-ids", "Events of steps are of steps that the pipeline has.", steps_are_of_the_plan},
      {"services.messages", "Every failure comes with a message that a person can read.", failures_can_be_read},
      {"services.resources-announced",
       "A resource is announced by kind, id and what a person can do, before it is used.", resources_are_told_first},
      {"services.resources-released", "What was acquired is released, and its end was verified.",
       resources_are_released},
      {"services.quiet-after-destroy", "No thread of the adapter calls the host after destroy has returned.",
       is_quiet_after_destroy},
      {"services.quiet-between-calls", "No event arrives while no call is in progress.", is_quiet_after_calls},
      {"services.own-secrets", "The adapter asks only for secrets that it declared or the request names.",
       asks_for_its_own_secrets},
  };
}

}  // namespace osiris::check
