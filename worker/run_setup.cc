#include "worker/run_setup.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "protocol/base/file.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/temporary_name.h"
#include "protocol/base/text.h"
#include "worker/drivers.h"
#include "worker/memory_policy.h"
#include "worker/package/package.h"
#include "worker/specs/specs.h"
#include "worker/sysinfo.h"

namespace osiris::worker {
namespace {

constexpr unsigned kComputingStepsMin = 2;  // one that reads a file leaves room for one that computes
constexpr unsigned kParallelStepsPerCore = 4;
constexpr unsigned kParallelStepsMax = 64;
// One value may be larger than all memory (range(1000000000), repeat('x', 1000000000)), and the engine does not count
// it while it grows. This much beyond the limit the system refuses it, and the step fails like any other that ran out
// of memory.
constexpr uint64_t kUncountedBytesMax = uint64_t{512} << 20;
constexpr uint64_t kStackBytes = uint64_t{8} << 20;  // each thread's, by default
constexpr auto kMemoryLookEvery = std::chrono::milliseconds(50);

// The value, and what of it may turn up alone: its lines (a log is written line by line), the password of a URL.
void add_secret(Redactor& redactor, std::string_view value) {
  redactor.add(value);
  if (value.find('\n') != std::string_view::npos)
    for (const std::string& line : split(value, '\n')) redactor.add(trim(line));
  // A mapping of the connection's: each text in it.
  if (value.starts_with('{'))
    if (const auto mapping = parse_json(value); mapping.ok())
      for (const auto& [key, member] : mapping->members())
        add_secret(redactor, member.is_string() ? member.as_string() : member.is_object() ? member.dump() : "");
  redactor.add(url_userinfo(value));
  if (holds_url_password(value)) redactor.add(authority_password(value));
}

std::shared_ptr<const Redactor> make_redactor(const Json& secrets, const Json& env) {
  auto redactor = std::make_shared<Redactor>();
  for (const Json* values : {&secrets, &env}) {
    for (const auto& [name, value] : values->members()) add_secret(*redactor, value.as_string());
  }
  return redactor;
}

Status check_versions(const rpc::PrepareParams& params, const std::string& version) {
  const auto differ = [](std::string_view what, const std::string& host, const std::string& worker) {
    return Error(Code::kUnsupported,
                 "the host and the worker differ in " + std::string(what) + ": host " + host + ", worker " + worker,
                 "Install osiris and osiris-worker from one build.");
  };
  if (!params.worker_version.empty() && params.worker_version != version)
    return differ("version", params.worker_version, version);
  if (!params.specs_sha256.empty() && params.specs_sha256 != specs_sha256())
    return differ("component specs", params.specs_sha256, specs_sha256());
  return {};
}

}  // namespace

Result<RunSetup> set_up_run(rpc::PrepareParams params, const std::string& version) {
  OSIRIS_TRY(check_versions(params, version));
  if (!params.package.path.empty()) OSIRIS_TRY(unpack_package(params.package));
  if (!params.plan_path.empty()) {
    OSIRIS_ASSIGN(const std::string text, read_file(params.plan_path));
    OSIRIS_ASSIGN(params.plan, parse_json(text));
  }
  RunSetup setup;
  OSIRIS_ASSIGN(setup.plan, plan_from_json(params.plan));
  setup.settings = params.settings;
  setup.engine_threads = params.settings.threads ? params.settings.threads : core_count();

  Run& run = setup.run;
  run.run_id = params.run_id;
  set_temporary_run(run.run_id);
  // What one profile's runs leave is not found by another's.
  run.pipeline_id = setup.plan.pipeline_id + (setup.plan.profile.empty() ? "" : "\n" + setup.plan.profile);
  run.worker_version = version;
  run.session_dir = params.session_dir;
  run.paths = PathMap(params.work_dir, std::move(params.path_map));
  run.redactor = make_redactor(params.secrets, params.env);
  run.connections = std::move(params.connections);
  run.secrets = std::move(params.secrets);
  run.env = std::move(params.env);
  run.settings = rpc::to_json(params.settings);
  run.settings.set("supervisor", "/proc/self/exe");  // this program, as --supervise; not on the wire
  run.allow_mock = params.settings.allow_mock;
  run.threads = std::clamp(setup.engine_threads, kComputingStepsMin, kParallelStepsMax);
  const unsigned by_default = kParallelStepsPerCore * core_count();
  run.parallel = std::min(params.settings.parallel ? params.settings.parallel : by_default, kParallelStepsMax);
  run.find_driver = find_driver;
  run.secret_pointers = [](std::string_view component) {
    const ComponentSpec* spec = find_component_spec(component);
    return spec ? spec->secret_pointers : std::string_view();
  };
  std::error_code ignored;
  std::filesystem::remove_all(run.worker_dir(), ignored);  // of a worker that died
  OSIRIS_TRY(make_directories(run.worker_dir()));
  OSIRIS_TRY(make_directories(run.session_dir / "artifacts"));
  return setup;
}

Result<std::unique_ptr<PeriodicThread>> keep_memory_limit(const RunSetup& setup) {
  const uint64_t limit = setup.settings.memory_limit_bytes;
  if (limit == 0) return std::unique_ptr<PeriodicThread>();
  set_memory_policy();
  limit_data(limit + kUncountedBytesMax +
             kStackBytes * (setup.engine_threads + setup.run.threads + setup.run.parallel));
  // Well before the limit, for the engine needs room to grow in between two looks.
  return PeriodicThread::begin(kMemoryLookEvery, [above = limit / 4 * 3] { return_free_memory(above); });
}

}  // namespace osiris::worker
