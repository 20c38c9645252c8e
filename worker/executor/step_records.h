// Events and metrics of one step in the protocol's shapes.
#pragma once

#include <string_view>

#include "protocol/base/json.h"
#include "worker/records/record_sink.h"

namespace osiris::worker {

// {"event": name, "step_id": id, ...fields}.
void emit_event(RecordSink& sink, std::string_view name, std::string_view step_id, Json fields);
// An event of the run, without a step.
void emit_event(RecordSink& sink, std::string_view name, Json fields);
// {"metric", "value", "unit"?, "step_id", "tags": {"step"}}.
void emit_metric(RecordSink& sink, std::string_view name, std::string_view step_id, Json value,
                 std::string_view unit = {});
void emit_metric(RecordSink& sink, std::string_view name, Json value);

}  // namespace osiris::worker
