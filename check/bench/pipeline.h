// A small pipeline in a directory of its own, as the documents of a request: what it reads, what it writes and which
// bytes have to be there afterwards.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/model/plan.h"

namespace osiris::check {

class Pipeline {
 public:
  // Makes session/, compiled/ and work/ below `directory`.
  explicit Pipeline(std::filesystem::path directory);

  // Steps, in order. A step's output is the table df_<id> of steps that need it.
  Pipeline& read(const std::string& id, const std::string& path, std::string_view content);  // the file is written
  Pipeline& read_missing(const std::string& id, const std::string& path);
  Pipeline& sql(const std::string& id, const std::string& query, const std::vector<std::string>& needs);
  // `expected`: the bytes of the file after a run; empty: whatever its step says.
  Pipeline& write(const std::string& id, const std::string& path, const std::string& from,
                  std::string_view expected = {});
  Pipeline& connection(const std::string& reference, const Json& fields, const std::vector<std::string>& secret_fields);

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path work_dir() const { return directory_ / "work"; }
  std::filesystem::path session_dir() const { return directory_ / "session"; }
  std::filesystem::path compiled_dir() const { return directory_ / "compiled"; }
  const Plan& plan() const { return plan_; }
  Json manifest_json() const { return to_json(plan_); }
  Json connections_json() const;
  std::vector<std::string> secret_names() const;
  const std::map<std::string, std::string>& expected() const { return expected_; }  // by absolute path

 private:
  PlanStep& add(const std::string& id, const std::string& driver, StepMode mode, Json cfg,
                const std::vector<std::string>& needs);

  const std::filesystem::path directory_;
  Plan plan_;
  Json connections_ = Json::object();
  std::map<std::string, std::string> expected_;
};

// read → sql → write of two rows; the smallest that has every kind of step.
Pipeline small_pipeline(const std::filesystem::path& directory);
// Without steps: needs no worker.
Pipeline empty_pipeline(const std::filesystem::path& directory);
// A step that goes on for hours, and one that would write after it.
Pipeline endless_pipeline(const std::filesystem::path& directory);
// The second of three steps fails.
Pipeline failing_pipeline(const std::filesystem::path& directory);

}  // namespace osiris::check
