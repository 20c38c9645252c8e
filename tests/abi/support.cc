#include "tests/abi/support.h"

#include <stdio.h>
#include <stdlib.h>

#include <fstream>

#include "protocol/base/json.h"

namespace osiris::abi_tests {

namespace fs = std::filesystem;

namespace {
fs::path directory_from(const char* variable) {
  const char* value = getenv(variable);
  if (!value) {
    fprintf(stderr, "%s is not set; run the tests by ctest\n", variable);
    exit(2);
  }
  return value;
}
}  // namespace

fs::path tree_dir() { return directory_from("OSIRIS_BUILD_DIR"); }
fs::path build_dir() { return tree_dir() / "tests/abi"; }
fs::path source_dir() { return directory_from("OSIRIS_SOURCE_DIR"); }
fs::path defect(const std::string& name) { return build_dir() / "defects" / (name + ".so"); }

AdapterManifest manifest_for(const fs::path& library, const std::string& id) {
  AdapterManifest manifest;
  manifest.id = id;
  manifest.version = id == "mine" ? "0.1.0" : "1.0.0";
  manifest.secrets = {"MINE_TOKEN", "FROZEN_TOKEN"};  // more than most of them declare
  manifest.library = library;
  manifest.file = library;  // the checks of the manifest's own file are tested with real ones
  return manifest;
}

Result<LoadedAdapter> load(const fs::path& library, const std::string& id) {
  return load_adapter(manifest_for(library, id));
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (fs::temp_directory_path() / "osiris-abi-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Recorder::line(std::string text) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(text));
}

std::vector<std::string> Recorder::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::vector<std::string> Recorder::misbehaviours() const {
  const std::lock_guard lock(mutex_);
  return misbehaviours_;
}

void Recorder::on_event(const Event& event) {
  line("event " + event.name + (event.step_id.empty() ? "" : " of " + event.step_id) + " " + event.data.dump());
}
void Recorder::on_metric(const Metric& metric) {
  line(std::string(metric.counter ? "counter " : "gauge ") + metric.name + " " + format_double(metric.value) +
       metric.unit);
}
void Recorder::on_log(const Log& log) { line("log " + std::to_string(log.level) + " " + log.message); }
void Recorder::on_progress(const Progress& progress) {
  line("progress " + format_double(progress.done) + " of " + format_double(progress.total) + " " + progress.note);
}

Status Recorder::lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) {
  line("secret " + std::string(name));
  const auto it = secrets.find(name);
  if (it == secrets.end()) return Error(Code::kNotFound, "no secret " + std::string(name));
  use(it->second);
  return {};
}

void Recorder::on_misbehaviour(std::string_view what) {
  line(std::string(what));
  const std::lock_guard lock(mutex_);
  const size_t comma = what.find(", ");
  misbehaviours_.emplace_back(comma == std::string_view::npos ? what : what.substr(comma + 2));
}

AdapterRequest request_in(const fs::path& directory) {
  AdapterRequest request;
  request.run_id = "run-000001_TEST";
  request.manifest_json =
      R"({"manifest":{},"steps":[],"pipeline_id":"p","pipeline_name":"P","profile":"dev","manifest_hash":"0"})";
  request.connections_json = R"({"connections":{},"env":[],"secret_names":["env/TOKEN"]})";
  request.secret_names = {"env/TOKEN"};
  request.settings_json = "{}";
  request.compiled_dir = request.session_dir = request.work_dir = directory;
  return request;
}

Life run_life(const osiris_adapter_type& type, Recorder& recorder, const AdapterRequest& request,
              const std::vector<std::pair<std::string, std::string>>& settings) {
  Life life;
  recorder.line("create");
  auto instance = AdapterInstance::create(type, recorder);
  if (!instance.ok()) {
    life.created = instance.error();
    return life;
  }
  AdapterRequest now = request;
  recorder.line("configure");
  life.configured = (*instance)->configure(settings);
  recorder.line("validate");
  if (life.configured.ok()) life.validated = (*instance)->validate(now);
  recorder.line("prepare");
  if (life.configured.ok() && life.validated.ok()) {
    life.prepared = (*instance)->prepare(now);
    recorder.line("prepared " + life.prepared.document_text);
    now.prepared_json = life.prepared.document_text;
  }
  if (life.configured.ok() && life.validated.ok() && life.prepared.ok()) {
    recorder.line("execute");
    life.executed = (*instance)->execute(now);
    recorder.line("result " + life.executed.document_text);
    recorder.line("collect");
    life.collected = (*instance)->collect(now);
    recorder.line("artifacts " + life.collected.document_text);
  }
  recorder.line("destroy");
  (*instance)->destroy();
  return life;
}

}  // namespace osiris::abi_tests
