// The error classes of this adapter and how answers become them: one table (failure_table.cc) of who was asked for
// what, the status and what the answer says, to the class and what to do about it. Each error carries, for programs,
// {"class","operation",
// "http_status","error_code","rpc_code","request_id","attempts","retried","retry_after_s","should_retry","passes"} in
// Error::detail.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/http/transport.h"
#include "protocol/model/failure_class.h"

namespace osiris::e2b {

Error make_failure(FailureClass failure, std::string message, std::string hint, Json detail = Json::object());

// The hint of failures of this class ("NetworkError", ...) that have no answer of a service.
std::string_view usual_hint(std::string_view failure_class);

// An answer came, and it was a 2xx.
inline bool is_success(const http::ExchangeResult& outcome) {
  return outcome.response && outcome.response->status / 100 == 2;
}

// An answer outside 2xx as the table sees it.
struct Answer {
  std::string_view operation;  // what was tried, as messages name it: "create a sandbox"
  int status = 0;              // or one of the two below
  std::string_view code;       // the control plane's error_code, or Connect's code; may be empty
  std::string_view message;
};
inline constexpr int kRpcStatus = -1;     // a Connect error of envd's, which says more by its code than by its status
inline constexpr int kUnknownRoute = -2;  // is_unknown_route()

struct Classification {
  FailureClass failure = FailureClass::kSandboxError;
  std::string_view hint;
  bool passes = false;  // the same call may well succeed later, whatever its status is taken for elsewhere
  size_t row = 0;       // of the table; the first one that fits counts
};
Classification classify(const Answer& answer);
size_t classification_rows();

// The error for an answer outside 2xx, or for no answer at all. `operation` is what was tried ("create a sandbox"). An
// answer of envd's RPCs names a code of Connect's, which says more than its status and lands in detail as "rpc_code".
Error failure_from(const http::ExchangeResult& outcome, std::string_view operation);
// The document that an answer is; the failure of an answer that is none, however it came to be torn.
Result<Json> json_body(const http::ExchangeResult& outcome, std::string_view operation);

// The error for a Connect code that came inside a stream.
Error rpc_failure(std::string_view operation, std::string_view code, std::string_view message);

// An answer that says that the service does not know the route (or not with this method), and not that what the route
// names does not exist (docs/decisions/0020-two-generations.md).
bool is_unknown_route(const http::Response& response);

// Whether the same attempt may well succeed later: no answer, "too many", and what a service says of its own trouble,
// unless it says by Should-Retry that it will not, or that another error will.
bool may_pass(const Error& error);

// A field of Error::detail; null when there is none.
const Json& detail_of(const Error& error, std::string_view field);
// The HTTP status in an error's detail; 0: no answer came.
int http_status_of(const Error& error);
}  // namespace osiris::e2b
