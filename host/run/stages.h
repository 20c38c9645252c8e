// One adapter instance driven from create to destroy, with the events and the errors a session expects.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/adapters/instance.h"
#include "host/run/exit_status.h"
#include "host/run/run_events.h"
#include "protocol/model/artifact.h"

namespace osiris {

struct StagesResult {
  std::optional<Error> error;  // why the run did not succeed; its code is never a guess about whose fault it was
  ErrorSource source = ErrorSource::kRun;  // of `error`
  std::string stage;                       // where it ended: "configure" ... "collect"
  Json artifacts;                          // a document, null where none came
  double execute_seconds = 0;

  // The files that the adapter says the steps have written.
  std::vector<Artifact> outputs() const;
};

// What a run ends with that was stopped.
Error stopped_error(StopReason reason);

class Stages {
 public:
  // All must outlive the object.
  Stages(const osiris_adapter_type& type, RunEvents& events, RunLog& log, const Clock& clock)
      : type_(type), events_(events), log_(log), clock_(clock) {}

  // Called once the adapter has accepted the request (validate); may be empty. Set before run().
  std::function<void(AdapterInstance&, const AdapterRequest&)> accepted;

  // Blocks until everything the adapter holds is released, as far as it can be.
  StagesResult run(const std::vector<std::pair<std::string, std::string>>& settings, AdapterRequest request);

  // [any thread] Wakes the adapter; events.is_cancelled() must already say so.
  void cancel();

 private:
  StagesResult drive(AdapterInstance& adapter, const std::vector<std::pair<std::string, std::string>>& settings,
                     AdapterRequest& request);
  StagesResult failed(std::string stage, const Error& error) const;

  const osiris_adapter_type& type_;
  RunEvents& events_;
  RunLog& log_;
  const Clock& clock_;
  std::mutex mutex_;  // instance_ against cancel()
  std::unique_ptr<AdapterInstance> instance_;
};

}  // namespace osiris
