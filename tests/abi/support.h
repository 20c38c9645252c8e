// Loads the plugins that tests/abi builds and drives them as the host does, writing down everything that crosses.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/adapters/instance.h"
#include "host/adapters/loader.h"

namespace osiris::abi_tests {

std::filesystem::path tree_dir();    // the build tree, laid out as an installed prefix
std::filesystem::path build_dir();   // of this test's plugins
std::filesystem::path source_dir();  // of the repository

// As discovery would hand it over; the manifest file itself is written beside the library if it is missing.
AdapterManifest manifest_for(const std::filesystem::path& library, const std::string& id);
Result<LoadedAdapter> load(const std::filesystem::path& library, const std::string& id);
std::filesystem::path defect(const std::string& name);  // <build>/defects/<name>.so

// Removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// [any thread]
class Recorder : public AdapterEvents {
 public:
  void on_event(const Event& event) override;
  void on_metric(const Metric& metric) override;
  void on_log(const Log& log) override;
  void on_progress(const Progress& progress) override;
  bool is_cancelled() const override { return cancelled; }
  Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) override;
  void on_misbehaviour(std::string_view what) override;

  void line(std::string text);
  std::vector<std::string> lines() const;          // everything, in order
  std::vector<std::string> misbehaviours() const;  // without "adapter misbehaving: <who>, "
  std::atomic<bool> cancelled{false};
  std::map<std::string, std::string, std::less<>> secrets;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_, misbehaviours_;
};

AdapterRequest request_in(const std::filesystem::path& directory);

struct Life {
  Status created, configured, validated;
  StageOutcome prepared, executed, collected;
};
// create to destroy, as far as each stage allows; collect comes after execute whatever that returned.
Life run_life(const osiris_adapter_type& type, Recorder& recorder, const AdapterRequest& request,
              const std::vector<std::pair<std::string, std::string>>& settings = {});

}  // namespace osiris::abi_tests
