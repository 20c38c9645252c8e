#include "check/bench/pipeline.h"

#include <cstdlib>
#include <utility>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& file, std::string_view bytes) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (!write_file_atomically(file, bytes).ok()) std::abort();
}

std::string secret_name(const std::string& reference, const std::string& field) {
  return "connection/" + reference.substr(1) + "/" + field;
}

}  // namespace

Pipeline::Pipeline(fs::path directory) : directory_(std::move(directory)) {
  for (const fs::path& folder : {session_dir(), compiled_dir() / "cfg", work_dir()}) {
    std::error_code error;
    fs::create_directories(folder, error);
  }
  put(compiled_dir() / "manifest.yaml", "{}\n");
  plan_.manifest = Json::object();
  plan_.pipeline_id = "check";
  plan_.pipeline_name = "Check";
  plan_.profile = "check";
  plan_.manifest_hash = sha256_hex("check");
}

PlanStep& Pipeline::add(const std::string& id, const std::string& driver, StepMode mode, Json cfg,
                        const std::vector<std::string>& needs) {
  PlanStep step;
  step.id = id;
  step.component = step.driver = driver;
  step.mode = mode;
  step.needs = needs;
  step.cfg_path = "cfg/" + id + ".json";
  step.cfg = std::move(cfg);
  for (const std::string& from : needs) step.inputs.push_back({"df_" + from, from});
  put(compiled_dir() / step.cfg_path, step.cfg.dump());
  plan_.steps.push_back(std::move(step));
  return plan_.steps.back();
}

Pipeline& Pipeline::read(const std::string& id, const std::string& path, std::string_view content) {
  put(work_dir() / path, content);
  return read_missing(id, path);
}

Pipeline& Pipeline::read_missing(const std::string& id, const std::string& path) {
  add(id, "filesystem.csv_extractor", StepMode::kExtract, Json::object({{"path", path}}), {})
      .input_files.push_back({path, (work_dir() / path).string(), {}});
  return *this;
}

Pipeline& Pipeline::sql(const std::string& id, const std::string& query, const std::vector<std::string>& needs) {
  add(id, "duckdb.processor", StepMode::kTransform, Json::object({{"query", query}}), needs);
  return *this;
}

Pipeline& Pipeline::write(const std::string& id, const std::string& path, const std::string& from,
                          std::string_view expected) {
  const fs::path target = (work_dir() / path).lexically_normal();
  add(id, "filesystem.csv_writer", StepMode::kWrite, Json::object({{"path", path}, {"column_order", "query"}}), {from})
      .outputs.push_back({path, target.string(), {}});
  expected_[target.string()] = std::string(expected);
  return *this;
}

Pipeline& Pipeline::connection(const std::string& reference, const Json& fields,
                               const std::vector<std::string>& secret_fields) {
  const size_t dot = reference.find('.');
  Json secrets = Json::object();
  for (const std::string& field : secret_fields) secrets.set(field, secret_name(reference, field));
  connections_.set(reference, Json::object({{"family", reference.substr(1, dot - 1)},
                                            {"alias", reference.substr(dot + 1)},
                                            {"fields", fields},
                                            {"secrets", secrets}}));
  return *this;
}

std::vector<std::string> Pipeline::secret_names() const {
  std::vector<std::string> names;
  for (const auto& [reference, connection] : connections_.members())
    for (const auto& [field, name] : connection["secrets"].members()) names.push_back(name.as_string());
  return names;
}

Json Pipeline::connections_json() const {
  Json names = Json::array();
  for (const std::string& name : secret_names()) names.push_back(name);
  return Json::object({{"connections", connections_}, {"env", Json::array()}, {"secret_names", std::move(names)}});
}

Pipeline small_pipeline(const fs::path& directory) {
  Pipeline pipeline(directory);
  pipeline.read("read", "in.csv", "id,name\n1,Ada\n2,\"B, \"\"b\"\"\"\n3,Ünï\n")
      .sql("pick", "SELECT id, name FROM df_read WHERE id <> 1 ORDER BY id", {"read"})
      .write("write", "out/picked.csv", "pick", "id,name\n2,\"B, \"\"b\"\"\"\n3,Ünï\n");
  return pipeline;
}

Pipeline empty_pipeline(const fs::path& directory) { return Pipeline(directory); }

Pipeline endless_pipeline(const fs::path& directory) {
  Pipeline pipeline(directory);
  pipeline.read("read", "in.csv", "id\n1\n")
      .sql("endless",
           "SELECT count(*) AS n FROM df_read, range(100000000) AS a(x), range(100000000) AS b(y) "
           "WHERE x * 7 + y % 11 = id",
           {"read"})
      .write("write", "out/never.csv", "endless");
  return pipeline;
}

Pipeline failing_pipeline(const fs::path& directory) {
  Pipeline pipeline(directory);
  pipeline.read("read", "in.csv", "id\n1\n")
      .sql("wrong", "SELECT no_such_column FROM df_read", {"read"})
      .write("write", "out/never.csv", "wrong");
  return pipeline;
}

}  // namespace osiris::check
