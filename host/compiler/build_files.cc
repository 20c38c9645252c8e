// The build directory on disk. Files that differ are replaced one by one, manifest.yaml last: a reader that finds a
// manifest finds all it names. A build that is there already is left alone
// (docs/decisions/0170-a-start-that-writes-little.md).
#include "host/compat/pyyaml_emitter.h"
#include "host/compiler/compiler.h"
#include "host/project/run_index.h"
#include "protocol/base/file.h"
#include "protocol/base/update_file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// What an earlier compile left under this hash and the manifest no longer names.
void remove_stale_cfg(const fs::path& cfg_dir, const CompiledPipeline& pipeline) {
  std::map<std::string, bool> wanted;
  for (const CompiledStep& step : pipeline.steps) wanted[fs::path(step.cfg_path).filename().string()] = true;
  std::error_code error;
  for (fs::directory_iterator it(cfg_dir, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->path().extension() == ".json" && !wanted.contains(it->path().filename().string()))
      fs::remove(it->path(), ignored);
  }
}

// A document with the time of its making, which `stamp` is in `text`: one that says the same but for the time is left
// alone. The time that stands there afterwards.
Result<std::string> update_stamped(const fs::path& file, const std::string& text, const std::string& stamp) {
  const size_t at = text.find(stamp);
  const auto old = read_file(file, text.size());
  if (old.ok() && old->size() == text.size() && at != std::string::npos) {
    std::string same = text;
    same.replace(at, stamp.size(), *old, at, stamp.size());
    if (same == *old) return old->substr(at, stamp.size());
  }
  OSIRIS_TRY(write_file_atomically(file, text));
  return stamp;
}

}  // namespace

Status write_build(CompiledPipeline& pipeline, const Project& project) {
  NameTokens tokens;
  tokens.pipeline_slug = pipeline.file_slug;
  tokens.profile = pipeline.profile;
  tokens.manifest_hash = pipeline.manifest_hash;
  tokens.manifest_short = pipeline.manifest_short;
  const fs::path directory = project.manifest_dir(tokens);
  const fs::path cfg_dir = directory / "cfg";
  OSIRIS_TRY(make_directories(cfg_dir));
  for (const CompiledStep& step : pipeline.steps)
    OSIRIS_TRY(update_file_atomically(directory / step.cfg_path, step.cfg.dump_canonical()));
  remove_stale_cfg(cfg_dir, pipeline);
  const ProjectConfig& config = project.config();
  if (config.write_plan) OSIRIS_TRY(update_file_atomically(directory / "plan.json", pipeline.plan.dump_canonical()));
  if (config.write_fingerprints)
    OSIRIS_TRY(update_file_atomically(directory / "fingerprints.json", pipeline.fingerprints.dump_canonical()));
  if (config.write_run_summary)
    OSIRIS_TRY(update_stamped(directory / "run_summary.json", pipeline.run_summary.dump_canonical(),
                              pipeline.run_summary["compiled_at"].as_string()));
  const fs::path manifest = directory / "manifest.yaml";
  Json& meta = *pipeline.manifest.find("meta");
  OSIRIS_ASSIGN(const std::string generated_at,
                update_stamped(manifest, emit_yaml(pipeline.manifest), meta["generated_at"].as_string()));
  meta.set("generated_at", generated_at);

  const std::string pointer = manifest.string() + "\n" + pipeline.manifest_hash + "\n" + pipeline.profile + "\n";
  OSIRIS_TRY(update_file_atomically(directory.parent_path() / "LATEST", pointer));
  const RunIndex index(project.index_dir());
  const LatestPointer latest{manifest, pipeline.manifest_hash, pipeline.profile};
  OSIRIS_TRY(index.write_last_compile(latest));
  OSIRIS_TRY(index.write_latest(pipeline.file_slug, latest));
  pipeline.compiled_dir = directory;
  return {};
}

}  // namespace osiris
