#include "host/importing/imported.h"

#include "host/project/project.h"
#include "protocol/base/text.h"

namespace osiris {

Json imported_step(const std::string& id, const std::string& component, const std::string& mode, Json config,
                   const std::vector<std::string>& needs) {
  Json step = Json::object({{"id", id}, {"component", component}, {"mode", mode}});
  Json list = Json::array();
  for (const std::string& need : needs) list.push_back(need);
  if (list.size()) step.set("needs", std::move(list));
  step.set("config", std::move(config));
  return step;
}

ImportedPipeline imported_pipeline(const std::string& name, std::vector<Json> steps) {
  return {name, Json::object({{"oml_version", "0.1.0"}, {"name", name}, {"steps", Json(std::move(steps))}})};
}

std::string file_component(const std::string& path, const std::string& kind) {
  std::string name = ascii_lower(path);
  for (const char* compressed : {".gz", ".zst", ".bz2", ".xz"})
    if (name.ends_with(compressed)) name.resize(name.rfind('.'));
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return "filesystem.csv_" + kind;
  if (name.ends_with(".parquet")) return "filesystem.parquet_" + kind;
  if (name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".ndjson"))
    return "filesystem.json_" + kind;
  return "";
}

Json imported_file_step(const std::string& path, const std::string& kind) {
  const std::string component = file_component(path, kind);
  const bool reads = kind == "extractor";
  const bool is_csv = component.starts_with("filesystem.csv_");
  const bool is_sharded = is_csv && reads && path.find_first_of("*?[") != std::string::npos;
  Json config = Json::object({{"path", is_sharded ? std::string("${shard.value}") : path}});
  if (is_csv && ascii_lower(path).find(".tsv") != std::string::npos) config.set("delimiter", "\t");
  if (is_csv && !reads) config.set("column_order", "query");
  Json step = imported_step(reads ? "read" : "write", component, reads ? "read" : "write", std::move(config),
                            reads ? std::vector<std::string>() : std::vector<std::string>{"read"});
  if (is_sharded) step.set("foreach", Json::object({{"files", path}}));
  return step;
}

std::string imported_id(std::string_view text) {
  std::string id = slugify(text);
  return id.empty() ? "unnamed" : id;
}

}  // namespace osiris
