// Where everything an adapter says during a run goes: to the session's files, to the tally that the display watches, to
// the list of remote resources. And what it asks: is the run cancelled, and the value of a secret.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "host/adapters/adapter_events.h"
#include "host/run/interrupts.h"
#include "host/run/output_hashes.h"
#include "host/run/resources.h"
#include "host/run/run_log.h"
#include "host/run/secrets.h"
#include "host/run/shard_record.h"
#include "host/run/step_tally.h"

namespace osiris {

// [any thread]. The parts must outlive it.
class RunEvents : public AdapterEvents {
 public:
  struct Parts {
    RunLog& log;
    StepTally& tally;
    RemoteResources& resources;
    SecretStore& secrets;
    // A progress line for the user; `important` ones also without --verbose. May be empty.
    std::function<void(std::string line, bool important)> say;
    bool says_events = false;        // also what steps tell of themselves, a line each
    OutputHashes* hashes = nullptr;  // hashes outputs of completed steps; may be null
    ShardRecord* shards = nullptr;   // keeps what shards settle; may be null
  };
  RunEvents(Parts parts, std::string adapter) : parts_(std::move(parts)), adapter_(std::move(adapter)) {}

  // Sticky; the first reason counts.
  void request_stop(StopReason reason);
  StopReason stop_reason() const { return stop_.load(); }
  std::vector<std::string> misbehaviours() const;

  void on_event(const Event& event) override;
  void on_metric(const Metric& metric) override;
  void on_log(const Log& log) override;
  void on_progress(const Progress& progress) override;
  bool is_cancelled() const override { return stop_.load() != StopReason::kNone; }
  Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) override;
  void on_misbehaviour(std::string_view what) override;

 private:
  Parts parts_;
  const std::string adapter_;
  std::atomic<StopReason> stop_{StopReason::kNone};
  mutable std::mutex mutex_;
  std::vector<std::string> misbehaviours_;
};

}  // namespace osiris
