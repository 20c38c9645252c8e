#include "check/bench/bench.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "host/adapters/abi_text.h"
#include "host/adapters/guarded_call.h"
#include "host/adapters/library.h"
#include "host/adapters/library_file.h"
#include "host/adapters/module_check.h"
#include "host/adapters/options.h"
#include "protocol/base/sha256.h"
#include "protocol/base/utf8.h"

namespace osiris::check {

namespace fs = std::filesystem;

namespace {

void replace_text(const FileDescriptor& file, std::string_view text) {
  if (::ftruncate(file.get(), 0) == 0 && ::lseek(file.get(), 0, SEEK_SET) == 0) (void)write_all(file.get(), text);
}

}  // namespace

Json to_json(const Task& task) {
  return Json::object({{"case", task.case_id},
                       {"library", task.library.string()},
                       {"manifest", task.manifest.string()},
                       {"adapter", task.adapter_id},
                       {"directory", task.directory.string()},
                       {"cache_dir", task.cache_dir.string()},
                       {"worker", task.worker.string()},
                       {"worker_sha256", task.worker_sha256},
                       {"program", task.program.string()},
                       {"probes", task.probes},
                       {"runs", task.runs},
                       {"answers", to_json(task.answers)}});
}

Task task_from_json(const Json& json) {
  Task task;
  task.case_id = json["case"].as_string();
  task.library = json["library"].as_string();
  task.manifest = json["manifest"].as_string();
  task.adapter_id = json["adapter"].as_string();
  task.directory = json["directory"].as_string();
  task.cache_dir = json["cache_dir"].as_string();
  task.worker = json["worker"].as_string();
  task.worker_sha256 = json["worker_sha256"].as_string();
  task.program = json["program"].as_string();
  task.probes = json["probes"].as_bool();
  task.runs = json["runs"].as_bool();
  task.answers = answers_from_json(json["answers"]);
  return task;
}

Bench::Bench(Task task)
    : task_(std::move(task)),
      verdict_(FileDescriptor::open(task_.directory / "verdict.json", O_WRONLY | O_CREAT, 0600)),
      place_(FileDescriptor::open(task_.directory / "stands_at", O_WRONLY | O_CREAT, 0600)) {
  read_manifest();
}

void Bench::fail(const std::string& why) {
  constexpr size_t kKeptMax = 8;
  if (failures_.size() < kKeptMax) failures_.push_back(why);
}

bool Bench::expect(bool holds, const std::string& what) {
  if (!holds) fail(what);
  return holds;
}

void Bench::skip(const std::string& why) {
  if (skipped_.empty()) skipped_ = why;
}

void Bench::note(const std::string& what) { notes_.push_back(what); }

void Bench::stand_at(std::string_view what) { replace_text(place_, what); }

void Bench::write_verdict() const {
  const auto list = [](const std::vector<std::string>& texts) {
    Json json = Json::array();
    for (const std::string& text : texts) json.push_back(valid_utf8(text));
    return json;
  };
  Json json = Json::object({{"outcome", failed()    ? "failed"
                                        : skipped() ? "skipped"
                                                    : "passed"},
                            {"failures", list(failures_)},
                            {"notes", list(notes_)},
                            {"skipped", skipped_},
                            {"exit_status", exit_status_ < 0 ? 0 : exit_status_}});
  replace_text(verdict_, json.dump());
}

void Bench::end_now() {
  exit_status_ = -1;
  write_verdict();
  _exit(0);
}

void Bench::end() {
  write_verdict();
  stand_at("the end of the process");
  std::fflush(nullptr);
  if (exit_status_ >= 0) std::exit(exit_status_);
  _exit(0);
}

void Bench::read_manifest() {
  if (task_.manifest.empty()) return;
  if (auto manifest = read_adapter_manifest(task_.manifest); manifest.ok()) manifest_ = *std::move(manifest);
}

Status Bench::load() {
  if (module_) return {};
  stand_at("load");
  OSIRIS_TRY(check_library_file(task_.library));
  install_terminate_handler();
  OSIRIS_ASSIGN(entry_, load_adapter_main(task_.library));
  const std::string library = task_.library.string(), manifest = task_.manifest.string();
  const osiris_host_info info = {sizeof info, kHostAbi, abi_str(library), abi_str_or_absent(manifest)};
  stand_at("the entry function");
  const osiris_module* module = entry_(&info);
  OSIRIS_TRY(negotiate_abi(module, library));
  module_ = module;
  defects_ = module_defects(*module);
  choose_type();
  stand_at("after loading");
  return {};
}

// The one asked for, the manifest's, or the first.
void Bench::choose_type() {
  if (!defects_.empty()) return;
  std::string wanted = task_.adapter_id;
  if (wanted.empty() && manifest_) wanted = manifest_->id;
  for (uint32_t i = 0; i < module_->adapter_count && !type_; ++i)
    if (wanted.empty() || abi_view(module_->adapters[i]->id) == wanted) type_ = module_->adapters[i];
  if (!type_) defects_.push_back("the library holds no adapter '" + wanted + "'");
}

fs::path Bench::directory(const std::string& name) {
  fs::path made = task_.directory / name;
  std::error_code error;
  fs::create_directories(made, error);
  return made;
}

Result<Bench::Settings> Bench::settings() const {
  OptionInputs inputs;
  inputs.env = [](std::string_view) { return std::nullopt; };
  inputs.file = task_.answers.options;
  inputs.working_directory = inputs.project_directory = task_.directory;
  auto resolved = resolve_options(*type_, inputs);
  if (!resolved.ok()) return resolved.error();
  return resolved->settings();
}

Json Bench::settings_json() const {
  Json settings = Json::object({{"cache_dir", task_.cache_dir.string()},
                                {"state_dir", (task_.directory / "state").string()},
                                {"owner_id", owner_id()}});
  for (const auto& [key, value] : task_.answers.settings.members()) settings.set(key, value);
  return settings;
}

// The case's directory is a new one for each run of each case.
std::string Bench::owner_id() const { return sha256_hex(task_.directory.string()).substr(0, 32); }

std::string Bench::run_id() const {
  return "run-000001_CHECK" + sha256_hex(task_.directory.string()).substr(32, 8) + std::to_string(run_number_);
}

AdapterRequest Bench::request(const Pipeline& pipeline) {
  AdapterRequest request;
  request.run_id = run_id();
  request.manifest_json = pipeline.manifest_json().dump();
  request.connections_json = pipeline.connections_json().dump();
  request.settings_json = settings_json().dump();
  request.secret_names = pipeline.secret_names();
  request.compiled_dir = pipeline.compiled_dir();
  request.session_dir = pipeline.session_dir();
  request.work_dir = pipeline.work_dir();
  request.worker_path = task_.worker;
  request.worker_sha256 = task_.worker_sha256;
  directory("state");
  return request;
}

void Bench::lend_secrets(Recorder& recorder) const {
  for (const auto& [name, value] : task_.answers.secrets) recorder.secrets[name] = value;
}

std::vector<std::string> Bench::secret_values() const {
  std::vector<std::string> values;
  for (const auto& [name, value] : task_.answers.secrets) values.push_back(value);
  return values;
}

}  // namespace osiris::check
