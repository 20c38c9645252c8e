// What an answer outside 2xx means and what to do about it: the one table of (what was asked, status, code, what the
// answer says). The first row that fits counts, so narrow rows come first. docs/e2b.md has the classes for users.
#include <algorithm>
#include <iterator>

#include "plugins/e2b/api/failure.h"
#include "protocol/base/json.h"

namespace osiris::e2b {
namespace {

using F = FailureClass;

// Instead of an operation's beginning: every call to the daemon inside the sandbox.
constexpr std::string_view kEnvd = "@envd";
// The operations that ask it.
constexpr std::string_view kEnvdOperations[] = {"upload files",
                                                "start the worker",
                                                "reconnect to the worker",
                                                "send to the worker",
                                                "signal the worker",
                                                "list the processes",
                                                "fetch the worker's records",
                                                "download",
                                                "ask the sandbox for its health"};

struct Row {
  std::string_view asked;  // the beginning of the operation, or kEnvd; empty: any
  int status;              // 0: any but kRpcStatus and kUnknownRoute
  std::string_view code;   // empty: any
  std::string_view says;   // somewhere in the message, in any case; empty: anything
  FailureClass failure;
  std::string_view hint;
  bool passes = false;  // whether the same call may well succeed later, which the status alone does not say
};

constexpr std::string_view kSandboxToken =
    "The token of the sandbox was refused, not your API key: another client may have resumed or changed the sandbox. "
    "Run again.";
constexpr std::string_view kConcurrency =
    "Wait for other sandboxes to end, `osiris resources list --adapter e2b` shows yours, or raise the plan's limits.";
constexpr std::string_view kFewerCalls =
    "The service asks for fewer calls: fewer runs at once, or a longer --e2b-retry-budget.";
constexpr std::string_view kBilling =
    "The key is fine: the team is blocked. Look at billing and members in E2B's dashboard.";
constexpr std::string_view kOthersName =
    "A template of this name belongs to another team: give one of your own by --e2b-template, or leave the shape out.";
constexpr std::string_view kNoRoom = "The service found no room in time; try again, or in another region or shape.";
constexpr std::string_view kPlanLife =
    "The plan limits how long a sandbox lives. Give a shorter --e2b-lease, split the pipeline, or use a plan with "
    "longer sandboxes.";
constexpr std::string_view kOtherService =
    "This service does not know the call: it may be older than osiris needs, or not E2B's API at all. Check "
    "--e2b-api-url.";
constexpr std::string_view kOtherVersion =
    "The service does not accept this request: it may be of another version than osiris knows. Report it with the "
    "request id.";
constexpr std::string_view kTryAgain = "Try again; if it stays, look at the service's status with the request id.";

constexpr Row kRows[] = {
    // Connect errors of envd
    {"", kRpcStatus, "unauthenticated", "", F::kAuthError, kSandboxToken},
    {"", kRpcStatus, "permission_denied", "", F::kAuthError, kSandboxToken},
    {"", kRpcStatus, "not_found", "", F::kNotFound, "The process or file is not in the sandbox (any more); run again."},
    {"", kRpcStatus, "resource_exhausted", "", F::kQuotaExceeded,
     "The sandbox is out of memory, disk or processes: --e2b-mem, smaller inputs, fewer steps at once."},
    {"", kRpcStatus, "unimplemented", "", F::kSandboxError,
     "The sandbox's envd is too old for this call: build its template anew, or give another --e2b-template."},
    {"", kRpcStatus, "", "", F::kSandboxError, kTryAgain},

    // The control plane's codes
    {"", 0, "sandbox_create_refused", "", F::kSandboxError,
     "No retry changes it: build the template anew, or give another template or shape."},
    {"", 0, "sandbox_placement_timeout", "", F::kCreationTimeout, kNoRoom},
    {"", 0, "sandbox_capacity_unavailable", "", F::kCreationTimeout, kNoRoom},
    {"", 0, "sandbox_no_compatible_node", "", F::kCreationTimeout,
     "No machine of the service can run this template now: another template or shape, or try again later."},
    {"", 0, "idempotency_in_progress", "", F::kCreationTimeout,
     "An earlier call for the same sandbox has not ended; try again, and raise --e2b-retry-budget."},
    {"", 0, "idempotency_request_mismatch", "", F::kSandboxError,
     "Another request used the same key; a proxy may change requests on their way. Run again."},
    {"", 0, "idempotency_outcome_unknown", "", F::kSandboxError,
     "The service lost track of the call. Run again; `osiris resources reap --adapter e2b` releases what it may have "
     "made."},

    // Calls that the service does not know
    {kEnvd, kUnknownRoute, "", "", F::kSandboxError,
     "The sandbox's envd, or what is in its place, does not know the call: build the template anew, or give another "
     "--e2b-template."},
    {"start the build", kUnknownRoute, "", "", F::kSandboxError,
     "This service builds no templates from steps: make one by its own tools and give it by --e2b-template."},
    {"", kUnknownRoute, "", "", F::kSandboxError, kOtherService},

    // Keys, teams and tokens
    {kEnvd, 401, "", "", F::kAuthError, kSandboxToken},
    {kEnvd, 403, "", "", F::kAuthError, kSandboxToken},
    {"", 401, "", "", F::kAuthError, "Set E2B_API_KEY to a valid key of your team."},
    {"", 403, "", "blocked", F::kAuthError, kBilling},
    {"", 403, "", "banned", F::kAuthError, kBilling},
    {"", 403, "", "payment", F::kAuthError, kBilling},
    {"", 403, "", "billing", F::kAuthError, kBilling},
    {"create a sandbox", 403, "", "template", F::kAuthError,
     "The template belongs to another team; `--e2b-template` names one of your team or a public one."},
    {"look for template", 403, "", "", F::kAuthError, kOthersName},
    {"create template", 403, "", "", F::kAuthError, kOthersName},
    {"upload the template's files", 403, "", "", F::kAuthError,
     "The address for the upload is no longer valid; run again, and check this machine's clock."},
    {"", 403, "", "", F::kAuthError,
     "The key is known but may not do this: look at the team's plan, billing and the key's rights in E2B's dashboard."},

    // What does not exist
    {"create a sandbox", 404, "", "", F::kNotFound,
     "Check the name; `--e2b-template` names a template of your team or a public one."},
    {"start the build", 404, "", "", F::kNotFound,
     "The template vanished while it was built, or what it starts from does not exist: check --e2b-template; run "
     "again."},
    {kEnvd, 404, "", "", F::kNotFound,
     "The sandbox does not have the file (any more), or is itself no more; run again."},
    {"", 404, "", "", F::kNotFound, "It is not there (any more); `osiris resources list --adapter e2b` shows what is."},

    // Limits
    {kEnvd, 507, "", "", F::kQuotaExceeded,
     "The disk of the sandbox is full: smaller inputs and outputs, or more room by --e2b-min-free-disk or another "
     "--e2b-template."},
    {"", 507, "", "", F::kQuotaExceeded,
     "The service has no space left for this: remove old templates (`osiris resources list --adapter e2b`), or ask for "
     "more."},
    {"", 400, "", "timeout cannot be greater", F::kQuotaExceeded, kPlanLife},
    {"renew the lease", 400, "", "max", F::kQuotaExceeded, kPlanLife},
    {"", 429, "", "concurrent", F::kQuotaExceeded, kConcurrency},
    {kEnvd, 429, "", "", F::kQuotaExceeded, kFewerCalls},
    {"", 429, "", "rate limit", F::kQuotaExceeded, kFewerCalls},
    {"", 429, "", "", F::kQuotaExceeded, kConcurrency},

    // Requests that are not accepted
    {"create template", 400, "", "", F::kSandboxError,
     "The plan may not allow this shape. E2B takes 1 or an even number of CPUs and an even number of MiB from 128 on; "
     "plans usually allow up to 8 CPUs and 8 GiB."},
    {"create a sandbox", 400, "", "", F::kSandboxError,
     "The service does not accept this request: check --e2b-template, --e2b-network-allow and --e2b-metadata against "
     "the message; it may also be of another version."},
    {kEnvd, 400, "", "", F::kSandboxError,
     "The sandbox's envd does not accept this request: it may be too old. Build its template anew, or give another "
     "--e2b-template."},
    {"", 400, "", "", F::kSandboxError, kOtherVersion},
    {kEnvd, 409, "", "", F::kSandboxError,
     "The service is forking, pausing or resuming the sandbox and passes no calls on; run again.", true},
    {"", 409, "", "", F::kSandboxError,
     "Another client changes it at the same time (pauses, resumes or kills the sandbox, builds the template); run "
     "again."},
    {"", 422, "", "", F::kSandboxError, kOtherVersion},

    // Trouble of the service
    {"create", 504, "", "", F::kCreationTimeout, kNoRoom},
    {"start the build", 504, "", "", F::kCreationTimeout, kNoRoom},
    {"follow the template build", 504, "", "", F::kCreationTimeout, kNoRoom},
    {kEnvd, 502, "", "", F::kSandboxError,
     "The way to the sandbox is broken, or the sandbox is no more; run again, and give the request id to the service's "
     "support if it stays."},
    {"", 0, "", "", F::kSandboxError, kTryAgain},
};

// ASCII letters in any case.
bool holds(std::string_view text, std::string_view words) {
  const auto is_same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::search(text.begin(), text.end(), words.begin(), words.end(), is_same) != text.end() || words.empty();
}

bool is_asked(const Row& row, std::string_view operation) {
  if (row.asked != kEnvd) return operation.starts_with(row.asked);
  return std::any_of(std::begin(kEnvdOperations), std::end(kEnvdOperations),
                     [&](std::string_view each) { return operation.starts_with(each); });
}

bool fits(const Row& row, const Answer& answer) {
  const bool status = row.status == answer.status || (row.status == 0 && answer.status >= 0);
  return status && (row.code.empty() || row.code == answer.code) && holds(answer.message, row.says) &&
         is_asked(row, answer.operation);
}

}  // namespace

size_t classification_rows() { return std::size(kRows); }

Classification classify(const Answer& answer) {
  const auto row =
      std::find_if(std::begin(kRows), std::end(kRows) - 1, [&](const Row& each) { return fits(each, answer); });
  return {row->failure, row->hint, row->passes, static_cast<size_t>(row - std::begin(kRows))};
}

bool is_unknown_route(const http::Response& response) {
  if (response.status == 405) return true;
  if (response.status != 400 && response.status != 404) return false;
  const auto body = parse_json(response.body);
  const bool is_own = body && (*body)["code"].is_int() && (*body)["message"].is_string();
  // A router's own page, or an error of another shape: what knows no sandboxes knows no route to them.
  if (!is_own) return response.status == 404;
  const std::string& said = (*body)["message"].as_string();
  for (const std::string_view words :
       {"method not allowed", "no matching operation", "page not found", "route not found", "endpoint not found"})
    if (holds(said, words)) return true;
  return response.status == 404 && said.size() == std::string_view("not found").size() && holds(said, "not found");
}

}  // namespace osiris::e2b
