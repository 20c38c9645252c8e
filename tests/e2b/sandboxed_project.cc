#include "tests/e2b/sandboxed_project.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "protocol/base/file.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

// Of the adapters alone: how they got a worker and gave it back.
bool is_lifecycle(std::string_view event) {
  static const std::set<std::string_view> kNames = {
      "worker_started", "resource_acquired",    "resource_released",   "sandbox_created",  "sandbox_killed",
      "sandbox_kept",   "package_uploaded",     "artifacts_collected", "template_built",   "sandbox_replaced",
      "resource_cost",  "dependency_installed", "adapter_selected",    "service_selected", "egress_rules"};
  return kNames.count(event) > 0;
}

bool is_volatile(std::string_view key) {
  static const std::set<std::string_view> kKeys = {
      "ts",       "session",        "session_id",        "session_dir",
      "run_id",   "duration",       "duration_ms",       "duration_seconds",
      "end_time", "total_duration", "adapter_execution", "pid",
      "source"};
  return kKeys.count(key) > 0;
}

void strip(Json& json) {
  if (!json.is_object()) return;
  Json kept = Json::object();
  for (auto& [key, value] : json.members()) {
    if (is_volatile(key)) continue;
    strip(value);
    kept.set(key, value);
  }
  json = kept;
}

}  // namespace

ServerProcess start_server(const std::vector<std::string>& arguments) {
  auto server = ServerProcess::start(arguments);
  if (!server) {
    ADD_FAILURE() << server.error().message;
    std::abort();
  }
  return *std::move(server);
}

void use_server(Project& project, const ServerProcess& server) {
  project.set("E2B_API_KEY", server.api_key());
  project.set("OSIRIS_E2B_API_URL", server.url());
  project.set("OSIRIS_E2B_SANDBOX_URL", server.url());
}

std::vector<std::string> run_arguments(const std::string& adapter, const std::vector<std::string>& more,
                                       const std::string& file) {
  std::vector<std::string> arguments = {"run", file, "--adapter", adapter, "--allow-mock"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

ComparableEvents comparable_events(const std::filesystem::path& session) {
  ComparableEvents out;
  for (Json event : Project::lines(session / "events.jsonl")) {
    const std::string name = event["event"].as_string();
    if (is_lifecycle(name)) continue;
    const std::string step = event["step_id"].as_string();
    strip(event);
    if (name == "manifest_materialized") {  // holds the directory it was compiled in, and each project has its own
      event.erase("size");
      event.erase("sha256");
    }
    (step.empty() ? out.run : out.steps[step]).push_back(event.dump_canonical());
  }
  std::sort(out.run.begin(), out.run.end());
  return out;
}

std::vector<std::string> comparable_metrics(const std::filesystem::path& session) {
  static const std::set<std::string_view> kCounted = {
      "rows_in", "rows_out", "rows_read", "rows_written", "steps_total", "steps_completed", "adapter_exit_code"};
  std::vector<std::string> out;
  for (const Json& metric : Project::lines(session / "metrics.jsonl")) {
    const std::string& name = metric["metric"].as_string();
    if (kCounted.count(name)) out.push_back(name + " " + metric["step_id"].as_string() + " " + metric["value"].dump());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::map<std::string, std::string> files_below(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code none;
  if (!std::filesystem::is_directory(directory, none)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) files[entry.path().lexically_relative(directory)] = *read_file(entry.path());
  return files;
}

bool is_in_the_middle_of(const ServerProcess& server, const std::string& route) {
  return test::eventually([&] {
    const Json all = server.requests_by_arrival();
    return std::any_of(all.items().begin(), all.items().end(), [&](const Json& request) {
      return request["open"].as_bool() && request["route"].as_string() == route;
    });
  });
}

void OwnNetworks::SetUp() {
  if (::geteuid() == 0) return;
  if (std::getenv("CI")) FAIL() << "this machine gives no root, and so no networks of the sandboxes' own";
  GTEST_SKIP() << "this machine gives no root, and so no networks of the sandboxes' own";
}

void expect_no_sandbox(const ServerProcess& server) {
  EXPECT_EQ(server.sandboxes().size(), 0u) << server.sandboxes().dump_pretty();
}

}  // namespace osiris::e2b_test
