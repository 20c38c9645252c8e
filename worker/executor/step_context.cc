#include "worker/executor/step_context.h"

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "worker/executor/step_records.h"

namespace osiris::worker {

AttemptContext::AttemptContext(Parts parts)
    : parts_(std::move(parts)), artifacts_dir_(parts_.run.artifacts_dir(parts_.step.id)) {
  if (!parts_.files) parts_.files = std::make_shared<PlannedFiles>(parts_.step);
  static const Json nothing;
  if (parts_.shard && parts_.step.shards)
    shard_.emplace(
        ShardPlace{parts_.shard->index, parts_.step.shards->rule, parts_.settled ? *parts_.settled : nothing});
  if (parts_.shard) artifacts_dir_ = artifacts_dir_ / "shards" / std::to_string(parts_.shard->index);
}

PlannedPath AttemptContext::placed(const PlanFile* planned, std::string_view path) const {
  const PathMap& paths = parts_.run.paths;
  return planned ? PlannedPath{paths.resolve(planned->location), true} : PlannedPath{paths.resolve(path), false};
}

PlannedPath AttemptContext::input_file(std::string_view path) const { return placed(parts_.files->input(path), path); }

PlannedPath AttemptContext::output_file(std::string_view path) const {
  return placed(parts_.files->output(path), path);
}

std::vector<MatchedFile> AttemptContext::matched_files(std::string_view pattern) const {
  std::vector<MatchedFile> files;
  for (const PlanFile* file : parts_.is_for_all_shards ? parts_.files->of_shards() : parts_.files->found_by(pattern))
    files.push_back({file->path, parts_.run.paths.resolve(file->location)});
  return files;
}

const std::filesystem::path& AttemptContext::scratch_dir() const {
  // A driver that cannot use its directory says so itself, with the path.
  std::call_once(scratch_made_, [this] {
    has_scratch_ = true;
    static_cast<void>(make_directories(parts_.scratch_dir));
  });
  return parts_.scratch_dir;
}

// A step's own directory is there already.
const std::filesystem::path& AttemptContext::artifacts_dir() const {
  if (parts_.shard) std::call_once(artifacts_made_, [this] { static_cast<void>(make_directories(artifacts_dir_)); });
  return artifacts_dir_;
}

void AttemptContext::emit(std::string_view name, Json fields) {
  if (parts_.shard && !fields.is_object()) fields = Json::object();
  if (parts_.shard) fields.set("shard", parts_.shard->index);
  emit_event(parts_.sink, name, parts_.step.id, std::move(fields));
}

void AttemptContext::event(std::string_view name, Json fields) {
  // All a driver says is searched for secrets; only what the worker itself puts in is above suspicion.
  parts_.run.redactor->redact(fields);
  emit(parts_.run.redactor->redact(name), std::move(fields));
}

void AttemptContext::metric(std::string_view name, double value, std::string_view unit) {
  emit_metric(parts_.sink, parts_.run.redactor->redact(name), parts_.step.id, Json(value), unit);
}

void AttemptContext::log(std::string_view text) {
  std::string line = "step " + parts_.step.id + ": " + std::string(text);
  if (parts_.held) return parts_.held->log(std::move(line));
  parts_.log.info(line);
}

Status AttemptContext::add_output(const OutputFile& file, uint64_t rows, std::optional<FileDigest> known) {
  if (!known) {
    OSIRIS_ASSIGN(known, sha256_file(file.target));
  }
  const FileDigest& digest = *known;
  emit("output_written",
       Json::object(
           {{"path", file.path}, {"size_bytes", digest.size_bytes}, {"sha256", digest.sha256}, {"rows", rows}}));
  const std::lock_guard lock(mutex_);
  artifacts_.push_back({file.path, file.target.string(), digest.size_bytes, digest.sha256, parts_.step.id});
  return {};
}

Status AttemptContext::set_state(Json state) {
  // It goes to a file that people read, and comes back: neither with a secret in it nor with one hidden.
  Json masked = state;
  parts_.run.redactor->redact(masked);
  if (!(masked == state))
    return Error(Code::kInvalidArgument, "the new state of step " + parts_.step.id + " holds a secret value",
                 "A state is kept in a file. Leave the secret out of what the step reads, or of its cursor.",
                 category::kConfigInvalid);
  if (const size_t bytes = state.dump().size(); bytes > kStateBytesMax)
    return Error(Code::kInvalidArgument,
                 "the new state of step " + parts_.step.id + " has " + std::to_string(bytes) + " bytes, and at most " +
                     std::to_string(kStateBytesMax) + " are kept",
                 "With `incremental`, choose a column that fewer rows share a value of.", category::kConfigInvalid);
  const std::lock_guard lock(mutex_);
  new_state_ = std::move(state);
  return {};
}

Json AttemptContext::take_state() {
  const std::lock_guard lock(mutex_);
  return std::move(new_state_);
}

std::vector<Artifact> AttemptContext::take_artifacts() {
  const std::lock_guard lock(mutex_);
  return std::move(artifacts_);
}

}  // namespace osiris::worker
