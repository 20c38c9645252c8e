#include "tests/unit/local/loaded_adapter.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>

namespace osiris::test {
namespace {

namespace fs = std::filesystem;

osiris_str str(const std::string& text) { return {text.data(), text.size()}; }

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

}  // namespace

fs::path build_path(std::string_view name) {
  const char* directory = std::getenv("OSIRIS_BUILD_DIR");
  if (!directory) give_up("OSIRIS_BUILD_DIR is not set; run this test by ctest");
  return fs::path(directory) / name;
}

TestRun::TestRun() : worker(real_worker()) {
  std::string pattern = (fs::temp_directory_path() / "osiris_run_XXXXXX").string();
  if (!::mkdtemp(pattern.data())) give_up("no temporary directory");
  directory = pattern;
  for (const char* name : {"work", "session", "compiled"}) fs::create_directory(directory / name);
}

TestRun::~TestRun() {
  std::error_code ignored;
  fs::remove_all(directory, ignored);
}

Json& TestRun::add_step(const std::string& id, const std::string& component, const std::string& mode, Json cfg,
                        const std::vector<std::string>& needs) {
  Json need_list = Json::array(), inputs = Json::object();
  for (const std::string& need : needs) {
    need_list.push_back(need);
    inputs.set("df_" + need, Json::object({{"from_step", need}}));
  }
  cfg.set("component", component);
  Json& steps = *plan.find("steps");
  steps.push_back(Json::object({{"id", id},
                                {"component", component},
                                {"driver", component},
                                {"mode", mode},
                                {"needs", std::move(need_list)},
                                {"cfg_path", "cfg/" + id + ".json"},
                                {"cfg", std::move(cfg)},
                                {"inputs", std::move(inputs)},
                                {"input_files", Json::array()},
                                {"outputs", Json::array()}}));
  return steps.items().back();
}

LoadedAdapter::LoadedAdapter(RecordingHost& host, const fs::path& library) : host_(host) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) give_up(::dlerror());
  using Entry = const osiris_module* (*)(const osiris_host_info*);
  const auto entry = reinterpret_cast<Entry>(::dlsym(handle, "osiris_adapter_main_v1"));
  if (!entry) give_up(library.string() + " is not an adapter");
  const osiris_host_info info = {sizeof info, OSIRIS_ABI_VERSION, str(library.native()), {}};
  type_ = entry(&info)->adapters[0];
  if (type_->create(type_, host_.table(), &self_) != OSIRIS_OK) give_up("create failed");
}

LoadedAdapter::~LoadedAdapter() { type_->destroy(self_); }

osiris_status LoadedAdapter::configure(const Settings& settings) {
  std::vector<osiris_setting> abi;
  for (const auto& [name, value] : settings) abi.push_back({str(name), str(value)});
  return type_->configure(self_, abi.data(), abi.size());
}

osiris_status LoadedAdapter::prepare(const TestRun& run) {
  const osiris_status status = call(type_->prepare, run);
  if (const auto document = host_.document("prepared")) prepared_ = document->dump();
  return status;
}

osiris_status LoadedAdapter::call(osiris_status (*function)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT,
                                  const TestRun& run) {
  const std::string manifest = run.plan.dump(), connections = run.connections.dump(), settings = run.settings.dump();
  const std::string run_id = "run_1", compiled = run.directory / "compiled", session = run.directory / "session",
                    work = run.directory / "work", worker = run.worker, sha256(64, '0');
  osiris_request request{};
  request.size = sizeof request;
  request.attempt = 1;
  request.run_id = str(run_id);
  request.manifest_json = str(manifest);
  request.connections_json = str(connections);
  request.settings_json = str(settings);
  if (!prepared_.empty()) request.prepared_json = str(prepared_);
  request.compiled_dir = str(compiled);
  request.session_dir = str(session);
  request.work_dir = str(work);
  request.worker_path = str(worker);
  request.worker_sha256 = str(sha256);
  request.deadline_unix_ns = run.deadline_unix_ns;
  return function(self_, &request);
}

osiris_status LoadedAdapter::run(const TestRun& run, const Settings& settings) {
  for (const osiris_status status : {configure(settings)})
    if (status != OSIRIS_OK) return status;
  if (const osiris_status status = validate(run); status != OSIRIS_OK) return status;
  if (const osiris_status status = prepare(run); status != OSIRIS_OK) return status;
  const osiris_status status = execute(run);
  collected_ = collect(run);
  return status;
}

}  // namespace osiris::test
