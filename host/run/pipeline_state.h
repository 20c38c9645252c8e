// The state of a pipeline's steps that go on where they left off (`incremental`, taps): one file for each pipeline and
// profile, .osiris/state/<profile>/<pipeline>.json. A run holds it from its start to its end, and only one that ended
// well changes it: what failed is repeated, and never skipped (docs/decisions/0201).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/compiler/adapter_inputs.h"
#include "host/project/project.h"
#include "protocol/base/error.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/json.h"

namespace osiris {

struct StepRecord {
  std::string component;
  Json state;  // an object: what the component said of itself
  std::string run_id, committed_at;
};

class PipelineState {
 public:
  // What is kept; nothing where there is no file. kInvalidArgument where the file is not one, or another pipeline's: a
  // state that cannot be read never counts as none.
  static Result<PipelineState> read(const Project& project, std::string_view pipeline_id, std::string_view profile);
  // The same, and no other process may hold it meanwhile. kUnavailable while one does.
  static Result<PipelineState> hold(const Project& project, std::string_view pipeline_id, std::string_view profile);
  // The same of a file that cannot be understood any more, as if it held nothing; damage() then says why. Still
  // refused: a file of another pipeline, or of a newer format.
  static Result<PipelineState> hold_damaged(const Project& project, std::string_view pipeline_id,
                                            std::string_view profile);

  const std::filesystem::path& file() const { return file_; }
  const std::string& damage() const { return damage_; }
  const std::string& pipeline() const { return pipeline_; }
  const std::string& profile() const { return profile_; }
  // By step.
  const std::map<std::string, StepRecord>& steps() const { return steps_; }

  // Puts what is kept into the plan's steps. kInvalidArgument where a step has another component now.
  Status give(AdapterInputs& inputs) const;

  // Held only. Changes what commit() writes.
  void set(const std::string& step_id, std::string component, Json state, std::string run_id);
  bool forget(const std::string& step_id) { return steps_.erase(step_id) > 0; }
  // Replaces the file at once, or leaves it as it is. kUnavailable where the file is no longer as it was read. What was
  // damaged is kept beside it as `file().damaged`.
  Status commit();

 private:
  enum class Damage { kRefused, kForgotten };
  static Result<PipelineState> read(const Project& project, std::string_view pipeline_id, std::string_view profile,
                                    Damage damage);
  static Result<PipelineState> hold(const Project& project, std::string_view pipeline_id, std::string_view profile,
                                    Damage damage);
  Status parse(const std::string& text, bool& is_damaged);

  std::filesystem::path file_;
  std::string pipeline_, profile_, damage_;
  std::optional<std::string> as_read_;  // the file's bytes; nullopt: there was none
  std::map<std::string, StepRecord> steps_;
  std::optional<FileLock> lock_;
};

// What the steps of a plan go on from, put into it; nullopt where none of them keeps a state. A run holds it.
Result<std::optional<PipelineState>> give_state(const Project& project, const CompiledPipeline& pipeline,
                                                AdapterInputs& inputs, bool holds);

// Files of state below a project, of every profile; sorted.
std::vector<std::filesystem::path> state_files(const Project& project);

}  // namespace osiris
