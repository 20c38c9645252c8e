// Plans that look at rows. The host is blind to data: it asks by a plan whose last step writes the answer as a small
// document, and every adapter runs that plan like any other (docs/decisions/0223).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/cache/kept_outputs.h"
#include "host/compiler/adapter_inputs.h"
#include "protocol/base/error.h"
#include "protocol/model/artifact.h"

namespace osiris {

// By step.
using KeptEntries = std::map<std::string, KeptEntry>;

// What has to run before the rows of a step are there: the step and, again and again, the steps that it needs. Steps
// whose rows are kept are not run, and what only they need is left out, as are writers, data checks and what only they
// read; connections, secrets and hosts of the steps left out are not in it. `notes` gets what a reader of the rows
// should know.
AdapterInputs cut_to(const AdapterInputs& inputs, const std::string& step_id, const KeptEntries& kept,
                     std::vector<std::string>& notes);

// Steps added to a plan behind those that it has, under ids that no other step has.
class LookPlan {
 public:
  // An empty plan.
  LookPlan();
  explicit LookPlan(AdapterInputs plan) : inputs_(std::move(plan)) {}
  const AdapterInputs& inputs() const { return inputs_; }

  // A step `id` whose rows are those of a file of this machine: CSV, JSON or Parquet, by the name that the run gave it.
  // `config`: of the writer that wrote it. kUnsupported for a file of another kind.
  Status add_file(const std::string& id, const Artifact& file, const Json& config);
  // A step `id` whose rows are those that a run has kept of it.
  void add_kept(const std::string& id, const KeptEntry& entry);

  // The rest return the id of the new step. `from`: the step whose rows it reads, by its relation name in SQL.
  std::string add_query(const std::vector<std::string>& from, const std::string& sql);
  std::string add_preview(const std::string& from, uint64_t rows, const std::filesystem::path& target);
  std::string add_difference(const std::string& left, const std::string& right, uint64_t rows,
                             const std::filesystem::path& target);
  // All rows, as the component writes them.
  std::string add_writer(const std::string& from, const std::string& component, Json config,
                         const std::filesystem::path& target);

 private:
  PlanStep& add(std::string id, const std::string& driver, StepMode mode, const std::vector<std::string>& from,
                Json config);
  std::string new_id(const std::string& word) const;

  AdapterInputs inputs_;
};

// Whether add_file() knows how to read a file of this name.
bool holds_rows(const std::string& path);

}  // namespace osiris
