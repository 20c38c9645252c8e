// The messages of the worker protocol (docs/worker-protocol.md) as types. Conversion from JSON checks the shape and
// keeps what it does not know out of the way: unknown keys are ignored, so that either side may be the newer one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::rpc {

inline constexpr int kProtocolVersion = 1;

// An Error on the wire; its detail is called `data` there.
Json error_to_json(const Error& error);
// Never fails: what is not an error object becomes kInternal saying so.
Error error_from_json(const Json& json);

// ---- adapter -> worker

struct Request {
  std::string id;
  std::string method;
  Json params;  // an object
};
Json to_json(Request request);
// kInvalidArgument when `id` or `method` is missing or no text. Missing params are an empty object.
Result<Request> request_from_json(Json json);

// ---- worker -> adapter. `seq` is 0 on records that carry none.

struct Hello {
  int64_t protocol = kProtocolVersion;
  std::string version;
  int64_t pid = 0;
  std::string specs_sha256;
  std::vector<std::string> drivers;
};

struct Response {
  std::string id;
  uint64_t seq = 0;
  int64_t time_ns = 0;  // 0: not sent (answers without seq)
  std::variant<Json, Error> outcome;

  bool ok() const { return outcome.index() == 0; }
  const Json& result() const { return std::get<0>(outcome); }
  const Error& error() const { return std::get<1>(outcome); }
};

struct Event {
  uint64_t seq = 0;
  int64_t time_ns = 0;
  Json data;  // an object with the text `event`
};

struct Metric {
  uint64_t seq = 0;
  int64_t time_ns = 0;
  Json data;  // an object with the text `metric` and the number `value`
};

struct StepProgress {
  std::string step_id;
  uint64_t rows = 0;
  int64_t elapsed_ms = 0;
  uint64_t bytes = 0;                        // taken in or written
  uint64_t rows_total = 0, bytes_total = 0;  // 0: unknown
};

// A step's entry in a heartbeat; what is unknown is left out.
Json to_json(const StepProgress& step);

struct Heartbeat {
  int64_t time_ns = 0;
  uint64_t last_seq = 0;
  uint64_t rss_bytes = 0;
  uint64_t cpu_ms = 0;
  uint64_t spill_bytes = 0;
  std::vector<StepProgress> steps;  // those running now
};

struct Fatal {
  Error error;
};

using Record = std::variant<Hello, Response, Event, Metric, Heartbeat, Fatal>;

Json to_json(const Record& record);
// kInvalidArgument when it is none of them or lacks what its kind must have.
Result<Record> record_from_json(Json json);
// 0 for records that carry none.
uint64_t record_seq(const Record& record);

}  // namespace osiris::rpc
