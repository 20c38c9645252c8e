#include "tests/e2b/fault_cases.h"

#include <gtest/gtest.h>

#include <utility>

#include "servers/e2b/fault_plan.h"

namespace osiris::e2b_test {
namespace {

void add_statuses(std::vector<FaultCase>& out) {
  for (const int status : {400, 401, 403, 404, 409, 429, 500, 502, 503, 504, 507})
    out.push_back({.name = "status_" + std::to_string(status), .type = "status", .status = status});
  for (const int seconds : {1, kRetryAfterTooLongSeconds})
    out.push_back({.name = "status_429_retry_after_" + std::to_string(seconds),
                   .type = "status",
                   .status = 429,
                   .retry_after_s = seconds});
  // Connect's error codes and the HTTP statuses that carry them (connectrpc.com, "Error codes").
  static constexpr std::pair<const char*, int> kCodes[] = {{"canceled", 499},
                                                           {"unknown", 500},
                                                           {"invalid_argument", 400},
                                                           {"deadline_exceeded", 504},
                                                           {"not_found", 404},
                                                           {"already_exists", 409},
                                                           {"permission_denied", 403},
                                                           {"resource_exhausted", 429},
                                                           {"failed_precondition", 400},
                                                           {"aborted", 409},
                                                           {"out_of_range", 400},
                                                           {"unimplemented", 501},
                                                           {"internal", 500},
                                                           {"unavailable", 503},
                                                           {"data_loss", 500},
                                                           {"unauthenticated", 401}};
  for (const auto& [code, status] : kCodes)
    out.push_back({.name = std::string("rpc_") + code, .type = "status", .status = status, .rpc_code = code});
}

}  // namespace

FaultCase FaultCase::as_reset() const {
  const bool has_head = at == "chunk_size" || at == "trailer" || at == "h2_data";
  return {.name = name, .type = "reset", .when = has_head ? "middle" : "before"};
}

Json FaultCase::action(int port) const {
  Json out = Json::object({{"type", type}});
  if (!when.empty() && type != "truncate") out.set("when", when);
  if (when == "middle" || when == "upload") out.set("after_bytes", 1);  // inside the smallest body there is
  if (status) out.set("status", status);
  if (!rpc_code.empty()) out.set("code", rpc_code);
  if (retry_after_s >= 0) out.set("retry_after", retry_after_s);
  if (type == "cut") {
    out.set("at", at);
    out.set("by", resets ? "rst" : "fin");
  }
  if (type == "tell") out.set("port", port);
  if (type == "bandwidth")
    out.set("bytes_per_s", 40'000'000);
  else if (ms)
    out.set("ms", ms);
  return out;
}

std::vector<FaultCase> fault_cases() {
  std::vector<FaultCase> out;
  for (const std::string& type : e2b_server::fault_types()) {
    if (type == "status") {
      add_statuses(out);
    } else if (type == "latency") {
      out.push_back({.name = type, .type = type, .ms = 300});
    } else if (type == "bandwidth") {
      out.push_back({.name = type, .type = type});
    } else if (type == "truncate") {
      out.push_back({.name = type, .type = type, .when = "middle"});  // the only moment it knows
    } else if (type == "reset" || type == "stall" || type == "kill_sandbox" || type == "kill_process" ||
               type == "clock_jump") {
      const int64_t ms = type == "stall" ? kStallMs : type == "clock_jump" ? (kLeaseSeconds + 1) * 1000 : 0;
      for (const std::string& when : e2b_server::fault_moments())
        out.push_back({.name = type + "_" + when, .type = type, .when = when, .ms = ms});
    } else if (type == "cut" || type == "tell") {
      const std::vector<std::string> places =
          type == "cut" ? e2b_server::cut_places() : std::vector<std::string>{"h2_headers", "h2_data", "tls_record"};
      for (const std::string& place : places)
        for (const bool resets : {false, true})
          out.push_back({.name = (type == "cut" ? "cut_" : "") + place + (resets ? "_rst" : "_fin"),
                         .type = type,
                         .at = place,
                         .resets = resets});
    } else {
      ADD_FAILURE() << "the server can inject '" << type
                    << "', which the matrix does not know: give it its parameters here";
    }
  }
  return out;
}

}  // namespace osiris::e2b_test
