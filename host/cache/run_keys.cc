#include "host/cache/run_keys.h"

#include <algorithm>

#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr uint64_t kFileBytesMax = 256u << 20;
constexpr size_t kRunsMax = 50;  // of a pipeline and profile

fs::path directory_of(const Project& project, std::string_view pipeline_id, std::string_view profile) {
  const std::string slug = slugify(pipeline_id), of_profile = slugify(profile);
  return project.cache_dir() / "runs" / (of_profile.empty() ? "-" : of_profile) / (slug.empty() ? "pipeline" : slug);
}

Json to_json(const RanStep& step) {
  Json parts = Json::array(), files = Json::object();
  for (const auto& [name, value] : step.parts) parts.push_back(Json::array({name, value}));
  for (const auto& [path, identity] : step.files) files.members().emplace_back(path, osiris::to_json(identity));
  return Json::object({{"key", step.key},
                       {"content", step.content},
                       {"parts", std::move(parts)},
                       {"files", std::move(files)},
                       {"keeps", step.keeps},
                       {"why_not_kept", step.why_not_kept},
                       {"complete", step.complete},
                       {"run_id", step.run_id},
                       {"rows_read", step.rows_read},
                       {"rows_written", step.rows_written},
                       {"rows_out", step.rows_out},
                       {"outputs", osiris::to_json(step.outputs)}});
}

RanStep ran_step(const Json& json) {
  RanStep step;
  step.key = json["key"].as_string();
  step.content = json["content"].as_string();
  for (const Json& part : json["parts"].items())
    if (part.size() == 2) step.parts.emplace_back(part.items()[0].as_string(), part.items()[1].as_string());
  for (const auto& [path, identity] : json["files"].members()) step.files[path] = file_identity_from_json(identity);
  step.keeps = json["keeps"].as_bool();
  step.why_not_kept = json["why_not_kept"].as_string();
  step.complete = json["complete"].as_bool();
  step.run_id = json["run_id"].as_string();
  step.rows_read = json["rows_read"].as_uint();
  step.rows_written = json["rows_written"].as_uint();
  step.rows_out = json["rows_out"].as_uint();
  for (const Json& output : json["outputs"].items()) step.outputs.push_back(reported_artifact(output));
  return step;
}

// Oldest first: run ids begin with the pipeline's counter, or with a time; others by when they were written.
std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code code;
  for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    if (std::error_code ignored; at->path().extension() == ".json")
      found.emplace_back(fs::last_write_time(at->path(), ignored), at->path());
  const bool are_counted = std::all_of(
      found.begin(), found.end(), [](const auto& each) { return each.second.filename().string().starts_with("run-"); });
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    const std::string first = a.second.filename(), second = b.second.filename();
    if (!are_counted && a.first != b.first) return a.first < b.first;
    return first.size() != second.size() ? first.size() < second.size() : first < second;
  });
  std::vector<fs::path> files;
  for (auto& [time, file] : found) files.push_back(std::move(file));
  return files;
}

std::optional<RunKeys> read_keys(const fs::path& file, std::string_view pipeline_id, std::string_view profile) {
  const auto text = read_file(file, kFileBytesMax);
  const auto json = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!json.ok() || (*json)["format"].as_int() != kFormat || (*json)["pipeline_id"].as_string() != pipeline_id ||
      (*json)["profile"].as_string() != profile)
    return std::nullopt;
  RunKeys keys;
  keys.run_id = (*json)["run_id"].as_string();
  keys.pipeline_id = std::string(pipeline_id);
  keys.profile = std::string(profile);
  keys.session = (*json)["session"].as_string();
  keys.started_unix_ns = (*json)["started_unix_ns"].as_int();
  keys.ended = (*json)["ended"].as_bool();
  for (const auto& [id, step] : (*json)["steps"].members()) keys.steps[id] = ran_step(step);
  return keys;
}

}  // namespace

Status RunKeys::write(const Project& project) const {
  const fs::path directory = directory_of(project, pipeline_id, profile);
  OSIRIS_TRY(make_directories(directory));
  Json list = Json::object();
  for (const auto& [id, step] : steps) list.members().emplace_back(id, to_json(step));
  return write_file_atomically(directory / (run_id + ".json"), Json::object({{"format", kFormat},
                                                                             {"run_id", run_id},
                                                                             {"pipeline_id", pipeline_id},
                                                                             {"profile", profile},
                                                                             {"session", session.string()},
                                                                             {"started_unix_ns", started_unix_ns},
                                                                             {"ended", ended},
                                                                             {"steps", std::move(list)}})
                                                                   .dump());
}

std::optional<RunKeys> RunKeys::read(const Project& project, std::string_view pipeline_id, std::string_view profile,
                                     std::string_view run_id) {
  const fs::path directory = directory_of(project, pipeline_id, profile);
  if (!run_id.empty()) return read_keys(directory / (std::string(run_id) + ".json"), pipeline_id, profile);
  const std::vector<fs::path> files = files_in(directory);
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    if (auto keys = read_keys(*file, pipeline_id, profile)) return keys;
  return std::nullopt;
}

void forget_old_run_keys(const Project& project, std::string_view pipeline_id, std::string_view profile) {
  const std::vector<fs::path> files = files_in(directory_of(project, pipeline_id, profile));
  std::error_code ignored;
  for (size_t i = 0; i + kRunsMax < files.size(); ++i) fs::remove(files[i], ignored);
}

}  // namespace osiris
