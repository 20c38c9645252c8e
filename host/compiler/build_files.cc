// The build directory on disk. Files are replaced one by one, manifest.yaml last: a reader that finds a manifest finds
// all it names.
#include "host/compat/pyyaml_emitter.h"
#include "host/compiler/compiler.h"
#include "host/project/run_index.h"
#include "protocol/base/file.h"

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
    OSIRIS_TRY(write_file_atomically(directory / step.cfg_path, step.cfg.dump_canonical()));
  remove_stale_cfg(cfg_dir, pipeline);
  const ProjectConfig& config = project.config();
  if (config.write_plan) OSIRIS_TRY(write_file_atomically(directory / "plan.json", pipeline.plan.dump_canonical()));
  if (config.write_fingerprints)
    OSIRIS_TRY(write_file_atomically(directory / "fingerprints.json", pipeline.fingerprints.dump_canonical()));
  if (config.write_run_summary)
    OSIRIS_TRY(write_file_atomically(directory / "run_summary.json", pipeline.run_summary.dump_canonical()));
  const fs::path manifest = directory / "manifest.yaml";
  OSIRIS_TRY(write_file_atomically(manifest, emit_yaml(pipeline.manifest)));

  const std::string pointer = manifest.string() + "\n" + pipeline.manifest_hash + "\n" + pipeline.profile + "\n";
  OSIRIS_TRY(write_file_atomically(directory.parent_path() / "LATEST", pointer));
  const RunIndex index(project.index_dir());
  const LatestPointer latest{manifest, pipeline.manifest_hash, pipeline.profile};
  OSIRIS_TRY(index.write_last_compile(latest));
  OSIRIS_TRY(index.write_latest(pipeline.file_slug, latest));
  pipeline.compiled_dir = directory;
  return {};
}

}  // namespace osiris
