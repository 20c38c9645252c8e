// The spans of a run, made of its records as they are written: run, compilation, adapter, the adapter's stages, steps.
//
//   run <pipeline>
//     compile
//     adapter <id>
//       adapter prepare | adapter execute | adapter collect
//         step <id>                                   below "adapter execute"
//
// Ids of all spans but the first follow from it (protocol/model/trace_context.h), so that a step's program knows its
// parent before the step has begun.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "host/run/run_log.h"
#include "protocol/base/json.h"
#include "protocol/model/trace_context.h"

namespace osiris {

// [any thread]
class RunTrace {
 public:
  // `parent` is what osiris was started in, or a trace_id of its own without a span. `ended` takes each span as OTLP
  // has it, once it has ended; it may not call back.
  RunTrace(TraceContext parent, std::string tracestate, int64_t started_unix_ns, std::function<void(Json)> ended);

  // The parent of what steps start, for the worker; of what the run as a whole starts.
  TraceContext of_steps() const;
  TraceContext of_run() const { return run_; }
  // Where a record belongs: a step's span, or the run's.
  TraceContext of_record(const WrittenRecord& record) const;

  void on_record(const WrittenRecord& record);
  // Ends what is still open, with an error, and the run.
  void finish(int64_t unix_ns);

 private:
  struct Span {
    std::string id, parent_id, name;
    int64_t start_unix_ns = 0;
    Json attributes = Json::object();
    Json events = Json::array();
    uint64_t events_left_out = 0;
    std::string error;  // empty: none
  };
  void on_host_event(const std::string& name, const Json& fields, int64_t unix_ns);
  void on_step_event(const std::string& name, const std::string& step_id, const Json& fields, int64_t unix_ns);
  Span& begin(const std::string& key, const std::string& name, const std::string& parent_id, int64_t unix_ns);
  Span* find(const std::string& key);
  void end(const std::string& key, int64_t unix_ns);
  void end_adapter(int64_t unix_ns);
  static void add_event(Span& span, std::string_view name, const Json& fields, int64_t unix_ns);
  std::string id_of(std::string_view key) const;
  Json to_otlp(const Span& span, int64_t end_unix_ns) const;

  const TraceContext parent_;
  const std::string tracestate_;
  const std::function<void(Json)> ended_;
  TraceContext run_;
  mutable std::mutex mutex_;
  std::map<std::string, Span> open_;  // by "run", "compile", "adapter", "adapter prepare", "step/<id>"
  std::string adapter_;
  bool is_finished_ = false;
};

}  // namespace osiris
