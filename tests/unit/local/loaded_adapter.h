// An adapter library loaded as a host loads it, and a request for it in a directory of its own.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/json.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::test {

// From the environment ctest sets: the build tree, laid out as an installed prefix.
std::filesystem::path build_path(std::string_view name);
inline std::filesystem::path real_worker() { return build_path("lib/osiris/osiris-worker"); }

// A run in a fresh directory, which is removed with it: <directory>/{work,session,compiled}.
struct TestRun {
  TestRun();
  ~TestRun();
  TestRun(const TestRun&) = delete;

  // Adds a step to the plan; returns it for more.
  Json& add_step(const std::string& id, const std::string& component, const std::string& mode, Json cfg,
                 const std::vector<std::string>& needs = {});
  std::filesystem::path work(std::string_view name) const { return directory / "work" / name; }

  std::filesystem::path directory;
  std::filesystem::path worker;  // real_worker() unless set
  Json plan = Json::object({{"steps", Json::array()}});
  Json connections = Json::object();
  Json settings = Json::object({{"allow_mock", true}, {"heartbeat_ms", 50}});
  int64_t deadline_unix_ns = 0;
};

class LoadedAdapter {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;

  // Ends the process when the library cannot be loaded.
  LoadedAdapter(RecordingHost& host, const std::filesystem::path& library);
  ~LoadedAdapter();

  const osiris_adapter_type& type() const { return *type_; }
  osiris_status configure(const Settings& settings);
  osiris_status validate(const TestRun& run) { return call(type_->validate, run); }
  osiris_status prepare(const TestRun& run);
  osiris_status execute(const TestRun& run) { return call(type_->execute, run); }
  osiris_status collect(const TestRun& run) { return call(type_->collect, run); }
  // configure, validate, prepare, execute, collect, as a host goes through them; the status of execute, or of the stage
  // before it that failed.
  osiris_status run(const TestRun& run, const Settings& settings = {});
  osiris_status collected() const { return collected_; }
  void cancel() { type_->cancel(self_); }

 private:
  osiris_status call(osiris_status (*function)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT,
                     const TestRun& run);

  RecordingHost& host_;
  const osiris_adapter_type* type_ = nullptr;
  osiris_adapter* self_ = nullptr;
  osiris_status collected_ = OSIRIS_OK;
  std::string prepared_;
};

}  // namespace osiris::test
