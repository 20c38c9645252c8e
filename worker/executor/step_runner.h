// Runs one step from its first event to its last: directories, config, connection, inputs, the driver with retries and
// timeout, outputs and totals. Everything it tells the adapter goes to the sink in the order docs/worker-protocol.md
// names.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/wipe.h"
#include "protocol/model/artifact.h"
#include "worker/executor/held_records.h"
#include "worker/executor/run.h"
#include "worker/executor/step_control.h"

namespace osiris::worker {

using Relations = std::map<std::string, std::shared_ptr<const Relation>, std::less<>>;

struct StepEnd {
  Status status;
  Json result;                               // of execute_step, when status is ok
  std::shared_ptr<const Relation> relation;  // null: the step has no output
  StepOutcome outcome;
  Json state;  // what the host is to keep for the step; null: nothing new
  std::vector<Artifact> artifacts;
  std::optional<uint64_t> rows_out;  // of an output that was not stored, or is `relation`; none: no output
};

// A step that reads the step before it, and nothing else that is not stored.
struct StreamReader {
  const PlanStep& step;
  Relations inputs;  // those that are stored
  StepControl& control;
};

// A step's reader and, where that one is a query, the writer that reads it.
using ClaimReaders = std::function<std::vector<StreamReader>()>;

// What became of a reader.
struct StreamedEnd {
  const PlanStep* step;
  std::unique_ptr<HeldRecords> held;
  StepEnd end;
  std::string from_step;  // the stream's
  uint64_t rows_in = 0;   // from there
  int64_t started_ns = 0;
};

class StepRunner {
 public:
  StepRunner(const Run& run, RecordSink& sink, Log& log, const Clock& clock)
      : run_(run), sink_(sink), log_(log), clock_(clock) {}

  // Blocking. `inputs` holds the outputs of the step's `needs`, by step; steps without output are not in it. `claim`,
  // called once or never, gives the steps that may run along with it; empty: its output is stored. Those that ran along
  // and ended well are in `streamed`, in that order, their records still to be sent by report(). The others have not
  // been begun.
  StepEnd run(const PlanStep& step, const Relations& inputs, StepControl& control, const ClaimReaders& claim,
              std::vector<StreamedEnd>& streamed);
  void report(StreamedEnd& ended);

 private:
  friend class StreamedSteps;
  struct Prepared {
    const Driver* driver = nullptr;
    Json config;
    ConnectionFields connection;
    bool has_connection = false;
    std::vector<StepInput> views;
    std::vector<Input> inputs;

    Prepared() = default;
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;
    ~Prepared() { wipe(connection.fields); }
  };
  using Streams = std::map<std::string, std::shared_ptr<const RowStream>, std::less<>>;
  void begin(const PlanStep& step);
  Status prepare(const PlanStep& step, const Relations& inputs, const Streams& streams, Prepared& prepared);
  Status write_config(const PlanStep& step, const Prepared& prepared);
  Status resolve_connection(const PlanStep& step, Prepared& prepared);
  void gather_inputs(const PlanStep& step, const Relations& inputs, const Streams& streams, Prepared& prepared);
  StepEnd attempt(const PlanStep& step, const Prepared& prepared, StepControl& control, uint64_t number);
  Status run_attempts(const PlanStep& step, const Prepared& prepared, StepControl& control, StepEnd& end);
  void report_success(const PlanStep& step, StepEnd& end, int64_t started_ns);
  void report_failure(const PlanStep& step, const Error& error, int64_t started_ns);

  const Run& run_;
  RecordSink& sink_;
  Log& log_;
  const Clock& clock_;
};

}  // namespace osiris::worker
