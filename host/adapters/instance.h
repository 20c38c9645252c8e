// One adapter instance from the host's side, from create to destroy: calls in order, one at a time, and what each
// returns compared with the rules of the ABI. An adapter that breaks a rule is named ("adapter misbehaving: ...") and
// survived where that is possible; a caller that breaks one gets kInvalidState ("host misbehaving: ...").
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/adapters/adapter_events.h"
#include "host/adapters/host_services.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// osiris_request with owners. Paths are absolute.
struct AdapterRequest {
  uint32_t attempt = 1;
  std::string run_id;
  std::string manifest_json, connections_json, settings_json;
  std::string prepared_json;  // StageOutcome::document_text of prepare; empty before
  std::vector<std::string>
      secret_names;  // those of connections_json: what with_secret answers beside the adapter's own
  std::filesystem::path compiled_dir, session_dir, work_dir, worker_path;
  std::string worker_sha256;
  int64_t deadline_monotonic_ns = 0;  // 0: none. The ABI's time of day is made of it at each call
};

// osiris_resource_query with owners, but for its times.
struct ResourceQuery {
  std::string settings_json;
  Json filter;           // of list: an object, or null
  std::string kind, id;  // of release
};

// How long a call may go on once it was told to stop; the grace_ns of the ABI.
inline constexpr int64_t kCallGraceNs = 60'000'000'000;

// Whether the adapter has the extension osiris.explain/1.
bool has_explanation(const osiris_adapter_type& type);

// What a stage came to.
struct StageOutcome {
  Status status;              // messages name adapter and stage, but for kStepFailed: there the pipeline is at fault
  std::string document_text;  // exactly the bytes delivered; empty if none
  Json document;              // the same, parsed; null if none

  bool ok() const { return status.ok(); }
};

// Tells an adapter that has osiris.early/1 of a run that will most likely come, on the thread that will execute it.
// `drivers`: of its steps, each once.
void begin_early(const osiris_adapter_type& type, const std::filesystem::path& worker_path,
                 const std::filesystem::path& work_dir, const std::vector<std::string>& drivers);

// Whether an adapter may hold a remote resource that outlives a run: it offers osiris.resources/1.
bool owns_remote_resources(const osiris_adapter_type& type);

class AdapterInstance {
 public:
  // `type` must be free of defects (LoadedAdapter::type); it and `events` must outlive the instance.
  static Result<std::unique_ptr<AdapterInstance>> create(const osiris_adapter_type& type, AdapterEvents& events);
  ~AdapterInstance();  // destroy(), if it was not called
  AdapterInstance(const AdapterInstance&) = delete;
  AdapterInstance& operator=(const AdapterInstance&) = delete;

  // [run]: one at a time, in the order of the ABI, on any thread.
  Status configure(const std::vector<std::pair<std::string, std::string>>& settings);
  Status validate(const AdapterRequest& request);
  StageOutcome prepare(const AdapterRequest& request);  // document osiris.prepared/1
  // osiris.result/1. kStepFailed: the pipeline failed, the document says where.
  StageOutcome execute(const AdapterRequest& request);
  StageOutcome collect(
      const AdapterRequest& request);  // osiris.artifacts/1; call it after execute whatever that returned
  // Extension osiris.explain/1, between validate and execute; kUnsupported where it is missing.
  StageOutcome explain(const AdapterRequest& request);  // osiris.explanation/1
  // Extension osiris.resources/1; kUnsupported where it is missing.
  bool has_resources() const;
  StageOutcome list_resources(const ResourceQuery& query);
  StageOutcome release_resource(const ResourceQuery& query);
  // Joins the adapter's threads. After it nothing reaches `events` any more.
  void destroy();

  // [any]: wakes whatever execute waits on; does nothing after destroy(). is_cancelled() of the events must already say
  // so.
  void cancel();

 private:
  enum class State { kCreated, kConfigured, kValidated, kPrepared, kExecuted, kCollected, kDestroyed };
  AdapterInstance(const osiris_adapter_type& type, HostServices& services);
  template <class Call>
  StageOutcome call(const char* stage, const char* document, Call call);
  StageOutcome conclude(const char* stage, const char* document, osiris_status status, HostServices::CallRecord record);
  void check_document(const char* stage, const char* document, osiris_status status, StageOutcome& outcome);
  Error misbehaved(const char* stage, const std::string& what);
  Status expect(const char* stage, State at_least, State at_most) const;
  std::string who() const;

  const osiris_adapter_type& type_;
  HostServices& services_;
  osiris_adapter* self_ = nullptr;
  State state_ = State::kCreated;
  std::mutex cancel_mutex_;  // cancel against destroy
};

}  // namespace osiris
