// W3C Trace Context (level 1): which trace a program works in, and which span is its parent. Host and worker agree on
// it here: the host tells the worker one parent, and both know the span of each step from that, without a message more.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace osiris {

struct TraceContext {
  std::string trace_id;  // 32 hex digits, not all 0
  std::string span_id;   // 16 hex digits, not all 0: the parent of what is started with it
  bool is_sampled = true;

  // "00-<trace id>-<span id>-01": the value of a `traceparent` header and of the variable TRACEPARENT.
  std::string text() const;
};

// nullopt: no such value. One of a later version counts by what this version knows of it.
std::optional<TraceContext> parse_trace_context(std::string_view text);

// A trace of its own.
TraceContext new_trace();

// The id of a span below `parent`, the same wherever it is asked for: of a step, by its id.
std::string child_span_id(const TraceContext& parent, std::string_view name);

}  // namespace osiris
