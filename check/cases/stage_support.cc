#include "check/cases/stage_support.h"

#include <map>

#include "protocol/base/sha256.h"

namespace osiris::check {

Pipeline any_pipeline(Bench& bench, const std::string& name) {
  return bench.task().runs ? small_pipeline(bench.directory(name)) : empty_pipeline(bench.directory(name));
}

ResourceQuery query_of(Bench& bench, Json filter) {
  ResourceQuery query;
  query.settings_json = bench.settings_json().dump();
  query.filter = std::move(filter);
  bench.directory("state");
  return query;
}

Json leftovers_of(const Bench& bench, const std::string& dead_run_id) {
  return Json::object(
      {{"owner_id", bench.owner_id()}, {"leftovers_only", Json(true)}, {"dead_run_ids", Json::array({dead_run_id})}});
}

void release_leftovers(Bench& bench, const std::string& dead_run_id) {
  if (!owns_remote_resources(bench.type())) return;
  Life life(bench);
  if (!life.create() || !life.configure() || !life.list(query_of(bench, leftovers_of(bench, dead_run_id)))) return;
  const Json document = life.outcome_of("list").document;
  for (const Json& resource : document["resources"].items()) {
    ResourceQuery query = query_of(bench);
    query.kind = resource["kind"].as_string();
    query.id = resource["id"].as_string();
    life.release(query);
  }
}

std::string picture_of_directory(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    const bool is_file = at->is_regular_file(ignored);
    const auto digest = is_file ? sha256_file(at->path()) : Result<FileDigest>(Error());
    files[at->path().string()] = digest.ok() ? digest->sha256 : "";
  }
  std::string picture;
  for (const auto& [path, hash] : files) picture += path + " " + hash + "\n";
  return picture;
}

}  // namespace osiris::check
