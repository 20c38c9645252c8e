// All that one case has: the adapter, what it was told, directories of the case's own, and the verdict. Lives in the
// process of the case and ends with it.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check/answers.h"
#include "check/bench/pipeline.h"
#include "check/bench/recorder.h"
#include "host/adapters/adapter_manifest.h"
#include "host/adapters/instance.h"
#include "protocol/base/fd.h"
#include "protocol/base/json.h"

namespace osiris::check {

// What the process of a case is told on its standard input.
struct Task {
  std::string case_id;
  std::filesystem::path library;    // canonical
  std::filesystem::path manifest;   // empty: there is none
  std::string adapter_id;           // empty: the manifest's, or the first in the library
  std::filesystem::path directory;  // the case's own
  std::filesystem::path cache_dir;  // of all cases
  std::filesystem::path worker;     // empty: there is none
  std::string worker_sha256;
  std::filesystem::path program;  // osiris-adapter-check itself
  bool probes = true;             // of the description: a case will want to know whether the adapter runs pipelines
  bool runs = false;              // it does
  Answers answers;
};
Json to_json(const Task& task);
Task task_from_json(const Json& json);

class Bench {
 public:
  explicit Bench(Task task);

  // ---- The verdict. The first failure counts as such; a case goes on or returns as it likes.
  void fail(const std::string& why);
  // `what` is a sentence in the past: what the adapter did. Returns `holds`.
  bool expect(bool holds, const std::string& what);
  void skip(const std::string& why);
  void note(const std::string& what);  // shown beside the verdict
  bool failed() const { return !failures_.empty(); }
  bool skipped() const { return !skipped_.empty(); }
  bool is_settled() const { return failed() || skipped(); }
  // The process is to end by exit(status) (not by _exit(0)), so that what runs at exit runs.
  void end_by_exit(int status) { exit_status_ = status; }
  // Writes the verdict and ends the process; for a call that does not return.
  [[noreturn]] void end_now();
  // Where the case stands, in the file that is read when its process crashed or hangs.
  void stand_at(std::string_view what);
  [[noreturn]] void end();  // the process, with the verdict

  // ---- The adapter.
  const Task& task() const { return task_; }
  const Answers& answers() const { return task_.answers; }
  // Loads the library and asks its entry; once. False: `why` says what is in the way, and the case is skipped for it.
  Status load();
  const osiris_module* module() const { return module_; }
  const osiris_adapter_type& type() const { return *type_; }
  const std::optional<AdapterManifest>& manifest() const { return manifest_; }
  using Entry = const osiris_module* (*)(const osiris_host_info*);
  Entry entry() const { return entry_; }
  // Of the tables, by the host's rules; empty after load() means that the adapter can be called.
  const std::vector<std::string>& defects() const { return defects_; }

  // ---- What a run needs.
  std::filesystem::path directory(const std::string& name);  // made, below the case's own
  using Settings = std::vector<std::pair<std::string, std::string>>;
  // Defaults and answers, as osiris would resolve them.
  Result<Settings> settings() const;
  Json settings_json() const;
  AdapterRequest request(const Pipeline& pipeline);
  void lend_secrets(Recorder& recorder) const;
  // The secrets' values that must be found nowhere.
  std::vector<std::string> secret_values() const;
  // Of this case alone, as the owner in the settings is: cases run side by side, and what one holds at a service that
  // they share is not to be listed, or taken for a leftover, by another.
  std::string run_id() const;
  std::string owner_id() const;  // 32 hexadecimal digits
  void next_run() { ++run_number_; }

 private:
  void read_manifest();
  void choose_type();
  void write_verdict() const;

  Task task_;
  // Opened before anything is loaded: later the process may be one that must not open a file to write.
  FileDescriptor verdict_, place_;
  std::vector<std::string> failures_, notes_;
  std::string skipped_;
  int exit_status_ = -1;
  int run_number_ = 1;
  Entry entry_ = nullptr;
  const osiris_module* module_ = nullptr;
  const osiris_adapter_type* type_ = nullptr;
  std::optional<AdapterManifest> manifest_;
  std::vector<std::string> defects_;
};

}  // namespace osiris::check
