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

std::string imported_id(std::string_view text) {
  std::string id = slugify(text);
  return id.empty() ? "unnamed" : id;
}

}  // namespace osiris
