// The table of answers, row by row: what each situation is called and what the user is told to do about it.
#include "plugins/e2b/api/failure.h"

#include <gtest/gtest.h>

#include <set>

namespace osiris::e2b {
namespace {

using F = FailureClass;

struct Situation {
  std::string operation;
  int status;
  std::string code;  // error_code, or Connect's code where the status is kRpcStatus
  std::string message;
  FailureClass failure;
  std::string hint;  // a part of it
};

const std::vector<Situation>& situations() {
  static const std::vector<Situation> all = {
      {"start the worker", kRpcStatus, "unauthenticated", "bad token", F::kAuthError, "token of the sandbox"},
      {"list the processes", kRpcStatus, "permission_denied", "", F::kAuthError, "token of the sandbox"},
      {"reconnect to the worker", kRpcStatus, "not_found", "process with pid 7 not found", F::kNotFound,
       "not in the sandbox"},
      {"start the worker", kRpcStatus, "resource_exhausted", "", F::kQuotaExceeded, "out of memory, disk or processes"},
      {"send to the worker", kRpcStatus, "unimplemented", "", F::kSandboxError, "too old"},
      {"start the worker", kRpcStatus, "internal", "", F::kSandboxError, "Try again"},

      {"create a sandbox", 500, "sandbox_create_refused", "vcpu count out of bounds", F::kSandboxError,
       "No retry changes it"},
      {"create a sandbox", 504, "sandbox_placement_timeout", "", F::kCreationTimeout, "no room"},
      {"create a sandbox", 503, "sandbox_capacity_unavailable", "", F::kCreationTimeout, "no room"},
      {"create a sandbox", 503, "sandbox_no_compatible_node", "", F::kCreationTimeout, "No machine of the service"},
      {"create a sandbox", 409, "idempotency_in_progress", "", F::kCreationTimeout, "has not ended"},
      {"create a sandbox", 422, "idempotency_request_mismatch", "", F::kSandboxError, "same key"},
      {"create a sandbox", 409, "idempotency_outcome_unknown", "", F::kSandboxError, "reap"},

      {"upload files", kUnknownRoute, "", "404 page not found", F::kSandboxError, "build the template anew"},
      {"start the build of template x", kUnknownRoute, "", "validation error: method not allowed", F::kSandboxError,
       "no templates from steps"},
      {"create a sandbox", kUnknownRoute, "", "", F::kSandboxError, "--e2b-api-url"},

      {"upload files", 401, "", "unauthorized access", F::kAuthError, "not your API key"},
      {"download the artifacts", 403, "", "", F::kAuthError, "not your API key"},
      {"create a sandbox", 401, "", "Invalid API key", F::kAuthError, "Set E2B_API_KEY"},
      {"create a sandbox", 403, "", "team is blocked: please update your payment method", F::kAuthError,
       "The key is fine"},
      {"list sandboxes", 403, "", "Team is Banned", F::kAuthError, "The key is fine"},
      {"list sandboxes", 403, "", "please update your payment method", F::kAuthError, "billing"},
      {"list sandboxes", 403, "", "see Billing", F::kAuthError, "billing"},
      {"create a sandbox", 403, "", "Team does not have access to template 'abc'", F::kAuthError,
       "belongs to another team"},
      {"look for template osiris-0123456789abcdef", 403, "", "", F::kAuthError, "belongs to another team"},
      {"create template osiris-0123456789abcdef", 403, "", "Alias is already taken", F::kAuthError,
       "belongs to another team"},
      {"upload the template's files", 403, "", "", F::kAuthError, "address for the upload"},
      {"list templates", 403, "", "forbidden", F::kAuthError, "may not do this"},

      {"create a sandbox", 404, "", "template 'no-such' not found", F::kNotFound, "--e2b-template"},
      {"start the build of template osiris-0", 404, "", "", F::kNotFound, "what it starts from"},
      {"download /x", 404, "", "path '/x' does not exist", F::kNotFound, "does not have the file"},
      {"renew the lease", 404, "", "Sandbox \"i1\" doesn't exist", F::kNotFound, "resources list"},

      {"upload files", 507, "", "not enough disk space", F::kQuotaExceeded, "disk of the sandbox is full"},
      {"create template x", 507, "", "", F::kQuotaExceeded, "remove old templates"},
      {"create a sandbox", 400, "", "Timeout cannot be greater than 1 hours", F::kQuotaExceeded, "--e2b-lease"},
      {"renew the lease", 400, "", "Max instance length exceeded", F::kQuotaExceeded, "how long a sandbox lives"},
      {"create a sandbox", 429, "", "you have reached the maximum number of concurrent E2B sandboxes (20)",
       F::kQuotaExceeded, "other sandboxes to end"},
      {"upload files", 429, "", "", F::kQuotaExceeded, "fewer calls"},
      {"list sandboxes", 429, "", "Rate limit exceeded", F::kQuotaExceeded, "fewer calls"},
      {"list sandboxes", 429, "", "", F::kQuotaExceeded, "other sandboxes to end"},

      {"create template x", 400, "", "", F::kSandboxError, "even number of CPUs"},
      {"create a sandbox", 400, "", "invalid network", F::kSandboxError, "does not accept this request"},
      {"upload files", 400, "", "", F::kSandboxError, "envd does not accept"},
      {"kill the sandbox", 400, "", "", F::kSandboxError, "does not accept this request"},
      {"upload files", 409, "", "The sandbox is still transitioning, try again", F::kSandboxError,
       "passes no calls on"},
      {"connect to the sandbox", 409, "", "", F::kSandboxError, "at the same time"},
      {"list sandboxes", 422, "", "", F::kSandboxError, "does not accept this request"},

      {"create a sandbox", 504, "", "upstream request timeout", F::kCreationTimeout, "no room"},
      {"start the build of template x", 504, "", "", F::kCreationTimeout, "no room"},
      {"follow the template build", 504, "", "", F::kCreationTimeout, "no room"},
      {"upload files", 502, "", "The sandbox was not found", F::kSandboxError, "The way to the sandbox"},
      {"list sandboxes", 500, "", "", F::kSandboxError, "Try again"},
  };
  return all;
}

std::string name_of(const Situation& each) {
  return each.operation + " " + std::to_string(each.status) + " " + each.code + " " + each.message;
}

TEST(FailureTable, EverySituationHasItsClassAndItsRemedy) {
  for (const Situation& each : situations()) {
    const Classification classification = classify({each.operation, each.status, each.code, each.message});
    EXPECT_EQ(failure_class_name(classification.failure), failure_class_name(each.failure)) << name_of(each);
    EXPECT_NE(classification.hint.find(each.hint), std::string_view::npos)
        << name_of(each) << ": " << classification.hint;
  }
}

TEST(FailureTable, EveryRowIsMetByASituation) {
  std::set<size_t> met;
  for (const Situation& each : situations())
    met.insert(classify({each.operation, each.status, each.code, each.message}).row);
  for (size_t row = 0; row < classification_rows(); ++row)
    EXPECT_EQ(met.count(row), 1u) << "no situation above comes to row " << row;
}

http::ExchangeResult answered(int status, const std::string& body, http::Headers headers = {}) {
  http::ExchangeResult outcome;
  outcome.response.emplace();
  outcome.response->status = status;
  outcome.response->body = body;
  outcome.response->headers = std::move(headers);
  return outcome;
}

TEST(Failure, AnAnswerBecomesAnErrorWithClassHintAndDetail) {
  const Error error = failure_from(answered(500, R"({"code":500,"error_code":"sandbox_create_refused","message":"no"})",
                                            {{"Should-Retry", "false"}, {"X-Request-Id", "r1"}}),
                                   "create a sandbox");
  EXPECT_EQ(error.message, "cannot create a sandbox: HTTP 500: no (request r1)");
  EXPECT_EQ(failure_class_of(error), F::kSandboxError);
  EXPECT_EQ(detail_of(error, "error_code").as_string(), "sandbox_create_refused");
  EXPECT_FALSE(detail_of(error, "should_retry").as_bool(true));
}

TEST(Failure, AnUnknownRouteIsNoMatterOfNames) {
  const Error error = failure_from(answered(404, "<html>nothing here</html>"), "create a sandbox");
  EXPECT_EQ(failure_class_of(error), F::kSandboxError);
  EXPECT_NE(error.hint.find("--e2b-api-url"), std::string::npos) << error.hint;
}

TEST(Failure, ACodeOfConnectCountsMoreThanItsStatus) {
  const Error error =
      failure_from(answered(504, R"({"code":"deadline_exceeded","message":"slow"})"), "create a sandbox");
  EXPECT_EQ(failure_class_of(error), F::kSandboxError);
  EXPECT_EQ(detail_of(error, "rpc_code").as_string(), "deadline_exceeded");
}

TEST(Failure, WhatMayPassIsToldFromWhatWillNot) {
  const auto passes = [](int status, const std::string& body = "", http::Headers headers = {},
                         const char* operation = "create a sandbox") {
    return may_pass(failure_from(answered(status, body, std::move(headers)), operation));
  };
  for (const int status : {429, 500, 502, 503, 504}) EXPECT_TRUE(passes(status)) << status;
  for (const int status : {400, 401, 403, 404, 405, 409, 422, 501, 507}) EXPECT_FALSE(passes(status)) << status;
  EXPECT_FALSE(passes(503, "", {{"Should-Retry", "false"}}));
  EXPECT_TRUE(passes(409, "", {{"Should-Retry", "true"}}));
  for (const char* operation : {"upload files", "start the worker", "download /x", "send to the worker"})
    EXPECT_TRUE(passes(409, "", {}, operation)) << operation << ": the sandbox is being forked";
  EXPECT_FALSE(passes(409, "", {{"Should-Retry", "false"}}, "upload files"));
  EXPECT_FALSE(passes(500, R"({"code":500,"error_code":"sandbox_create_refused","message":""})"));
  EXPECT_TRUE(may_pass(rpc_failure("start the worker", "unavailable", "")));
  EXPECT_FALSE(may_pass(rpc_failure("start the worker", "invalid_argument", "no such file")));
  EXPECT_FALSE(may_pass(Error(Code::kExhausted, "the disk of this machine is full", "", "write.disk_full")));
  EXPECT_FALSE(may_pass(make_failure(F::kAuthError, "there is no key", "")));
}

http::ExchangeResult broken(Code code, bool reached) {
  http::ExchangeResult outcome;
  outcome.failure = http::Failure{Error(code, "it broke"), reached, 1};
  return outcome;
}

TEST(Failure, ABrokenConnectionMayPassButAWrongCertificateWillNot) {
  EXPECT_TRUE(may_pass(failure_from(broken(Code::kUnavailable, true), "upload files")));
  EXPECT_FALSE(may_pass(failure_from(broken(Code::kUnauthenticated, false), "upload files")));
  EXPECT_TRUE(detail_of(failure_from(broken(Code::kUnavailable, false), "create a sandbox"), "reached") == Json(false));
}

TEST(UnknownRoute, IsWhatRoutersSayInTheirWays) {
  const auto is_unknown = [](int status, const std::string& body) {
    return is_unknown_route(*answered(status, body).response);
  };
  EXPECT_TRUE(is_unknown(400, R"({"code":400,"message":"validation error: method not allowed"})"));
  EXPECT_TRUE(is_unknown(404, R"({"code":404,"message":"validation error: method not allowed"})"));
  EXPECT_TRUE(is_unknown(404, R"({"code":404,"message":"validation error: no matching operation was found"})"));
  EXPECT_TRUE(is_unknown(404, "404 page not found"));
  EXPECT_TRUE(is_unknown(404, ""));
  EXPECT_TRUE(is_unknown(404, R"({"detail":"Not Found"})"));
  EXPECT_TRUE(is_unknown(404, R"({"code":404,"message":"Not Found"})"));
  EXPECT_TRUE(is_unknown(405, ""));
  EXPECT_TRUE(is_unknown(405, R"({"code":405,"message":"Method Not Allowed"})"));
}

TEST(UnknownRoute, IsNotAThingThatDoesNotExistOrAWrongRequest) {
  const auto is_unknown = [](int status, const std::string& body) {
    return is_unknown_route(*answered(status, body).response);
  };
  EXPECT_FALSE(is_unknown(404, R"({"code":404,"message":"template 'x' not found"})"));
  EXPECT_FALSE(
      is_unknown(404, R"({"code":404,"message":"Sandbox \"i1\" doesn't exist or you don't have access to it"})"));
  EXPECT_FALSE(is_unknown(400, R"({"code":400,"message":"Timeout cannot be greater than 1 hours"})"));
  EXPECT_FALSE(is_unknown(400, "bad request"));
  for (const int status : {201, 401, 403, 429, 500, 502})
    for (const char* body : {"404 page not found", R"({"code":404,"message":"route not found"})"})
      EXPECT_FALSE(is_unknown(status, body)) << status << body;
}

TEST(JsonBody, IsTheDocumentOfAnAnswer) {
  http::ExchangeResult outcome;
  outcome.response.emplace();
  outcome.response->status = 201;
  outcome.response->body = R"({"templateID":"t1"})";
  const auto body = json_body(outcome, "create template x");
  ASSERT_TRUE(body.ok());
  EXPECT_EQ((*body)["templateID"].as_string(), "t1");
}

TEST(JsonBody, ThatIsTornNamesItsCallAndHasAClass) {
  http::ExchangeResult outcome;
  outcome.response.emplace();
  outcome.response->status = 200;
  outcome.response->body = R"({"templateID":"t)";
  const auto body = json_body(outcome, "look for template x");
  ASSERT_FALSE(body.ok());
  EXPECT_EQ(failure_class_of(body.error()), FailureClass::kSandboxError);
  EXPECT_TRUE(body.error().message.starts_with("cannot look for template x: the answer is not JSON"))
      << body.error().message;
  EXPECT_FALSE(body.error().hint.empty());
  EXPECT_TRUE(body.error().detail.is_object());
}

}  // namespace
}  // namespace osiris::e2b
