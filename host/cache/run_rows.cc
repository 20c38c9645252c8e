#include "host/cache/run_rows.h"

#include "host/cache/run_keys.h"

namespace osiris {
namespace {

std::string why_not(const RunKeys& keys, const RanStep& step) {
  if (!keys.ended) return "that run has not come to its end (--resume takes what it left)";
  if (!step.complete) return "it did not end well in that run";
  if (step.keeps) return "they are not kept any more";
  return step.why_not_kept.empty() ? "that run did not keep them" : step.why_not_kept;
}

}  // namespace

RunRows rows_of_run(const Project& project, const RunRecord& record, const Clock& clock) {
  RunRows rows;
  const auto keys = RunKeys::read(project, record.pipeline_slug, record.profile, record.run_id);
  if (!keys) return rows;
  rows.is_known = true;
  FileHashes hashes(project.cache_dir() / "files.json", clock);
  KeptOutputs kept(project.cache_dir(), project.config().cache_bytes_max, hashes);
  for (const auto& [id, ran] : keys->steps) {
    StepRows& step = rows.steps[id];
    std::string damaged;
    if (ran.complete && !ran.key.empty()) step.entry = kept.find(ran.key, damaged);
    if (step.entry && step.entry->content != ran.content) step.entry.reset();
    if (!damaged.empty()) rows.damaged.push_back(damaged);
    if (step.entry)
      kept.touch(*step.entry);
    else
      step.why_not = why_not(*keys, ran);
  }
  hashes.save();
  return rows;
}

}  // namespace osiris
