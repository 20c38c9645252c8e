// The control plane's calls on a transport of the test's: what is sent, what is made of the answers, and what is done
// again.
#include "plugins/e2b/api/control_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/e2b/place.h"
#include "plugins/sdk/api/place.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using http::FakeAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

// A transport of the test's for a place that wants one of its own.
class Borrowed : public http::Transport {
 public:
  explicit Borrowed(http::Transport& inner) : inner_(inner) {}
  std::unique_ptr<http::Exchange> open(http::Request request) override { return inner_.open(std::move(request)); }

 private:
  http::Transport& inner_;
};

class ControlPlane : public testing::Test {
 protected:
  ControlPlane() {
    config_.api_url = "https://api.test";
    config_.api_key = "e2b_key";
    api_.emplace(
        config_, transport_, http::RetryPolicy{.seed = 7},
        [this](http::Milliseconds wait) {
          waited_ += wait;
          return true;
        },
        nullptr);
  }

  void answer(int status, const std::string& body = "") {
    transport_.answers.push_back(FakeAnswer::json(status, body));
  }
  const http::Request& sent(size_t index = 0) const { return transport_.requests.at(index); }
  Json sent_body(size_t index = 0) const { return *parse_json(sent(index).body); }
  Result<Sandbox> create(const SandboxSpec& spec = {}) { return create_sandbox(*api_, spec, {}); }
  Status kill_verified(http::Milliseconds budget = 60s) {
    E2bPlace place(
        std::make_unique<Borrowed>(transport_), config_, http::RetryPolicy{.seed = 7},
        [](http::Milliseconds) { return true; }, nullptr);
    adapter_sdk::AdapterPlace held(place);
    return sdk::kill_and_verify(held, "i1", budget,
                                [this](http::Milliseconds wait) { pauses_.push_back(wait.count()); });
  }

  ApiConfig config_;
  http::FakeTransport transport_;
  std::optional<ApiClient> api_;
  http::Milliseconds waited_{0};
  std::vector<int64_t> pauses_;
};

constexpr const char* kCreated =
    R"({"sandboxID":"i1","templateID":"base","envdVersion":"0.2","envdAccessToken":"tok","domain":"e2b.dev"})";
constexpr const char* kNoRoute = R"({"code":404,"message":"route not found"})";

// ---- Creating

TEST_F(ControlPlane, ACreateSaysWhatIsWantedAndThatTheSandboxEndsWithItsLease) {
  answer(201, kCreated);
  SandboxSpec spec;
  spec.template_id = "mine";
  spec.lease_s = 77;
  spec.metadata = {{"osiris_run", "r1"}};
  spec.idempotency_key = "k-1";
  const auto created = create(spec);
  ASSERT_TRUE(created.ok()) << created.error().message;
  EXPECT_THAT(transport_.calls(), ElementsAre("POST https://api.test/v2/sandboxes"));
  EXPECT_EQ(sent_body().dump(),
            R"({"templateID":"mine","timeout":77,"metadata":{"osiris_run":"r1"},"autoPause":false})");
  EXPECT_EQ(sent().headers.get("X-API-Key"), "e2b_key");
  EXPECT_EQ(sent().headers.get("Idempotency-Key"), "k-1");
  EXPECT_EQ(sent().headers.get("Content-Type"), "application/json");
  EXPECT_EQ(created->id, "i1");
  EXPECT_EQ(created->template_id, "base");
  EXPECT_EQ(created->envd_token, "tok");
  EXPECT_EQ(created->domain, "e2b.dev");
}

TEST_F(ControlPlane, ACreateSaysWhatTheSandboxMayReach) {
  answer(201, kCreated);
  answer(201, kCreated);
  SandboxSpec spec;
  spec.internet = false;
  ASSERT_TRUE(create(spec).ok());
  EXPECT_EQ(sent_body()["allow_internet_access"], Json(false));
  EXPECT_FALSE(sent_body().contains("network"));
  EXPECT_FALSE(sent().headers.has("Idempotency-Key")) << "none was given";
  spec.internet = true;
  spec.network = Json::object({{"allowOut", Json::array({"203.0.113.5"})}});
  ASSERT_TRUE(create(spec).ok());
  EXPECT_EQ(sent_body(1)["network"].dump(), R"({"allowOut":["203.0.113.5"]})");
  EXPECT_FALSE(sent_body(1).contains("allow_internet_access"));
}

TEST_F(ControlPlane, ACreateWaitsAsLongAsItsCallerWants) {
  answer(201, kCreated);
  ASSERT_TRUE(create_sandbox(*api_, {}, {.wait = 3s}).ok());
  EXPECT_EQ(sent().timeouts.total, 3s);
  EXPECT_EQ(sent().timeouts.idle, 3s);
  EXPECT_EQ(sent().timeouts.connect, 3s) << "not longer than the whole";
}

TEST_F(ControlPlane, ACreateThatMayHaveWorkedIsNotMadeTwice) {
  for (const FakeAnswer& bad : {FakeAnswer::json(502, ""), FakeAnswer::json(500, ""), FakeAnswer::lost()}) {
    transport_.requests.clear();
    transport_.answers = {bad, FakeAnswer::json(201, kCreated)};
    EXPECT_FALSE(create().ok());
    EXPECT_EQ(transport_.requests.size(), 1u);
  }
}

TEST_F(ControlPlane, ACreateThatCannotHaveArrivedIsMadeAgain) {
  transport_.answers = {FakeAnswer::refused(), FakeAnswer::json(429, ""), FakeAnswer::json(201, kCreated)};
  EXPECT_TRUE(create().ok());
  EXPECT_EQ(transport_.requests.size(), 3u);
}

TEST_F(ControlPlane, AnOlderServiceIsFoundOutOnceAndAskedForWhatTheNewerAlwaysDoes) {
  answer(404, kNoRoute);
  answer(201, kCreated);
  answer(201, kCreated);
  ASSERT_TRUE(create().ok());
  ASSERT_TRUE(create().ok());
  EXPECT_THAT(transport_.calls(), ElementsAre("POST https://api.test/v2/sandboxes", "POST https://api.test/sandboxes",
                                              "POST https://api.test/sandboxes"));
  EXPECT_FALSE(sent_body(0).contains("secure"));
  EXPECT_EQ(sent_body(1)["secure"], Json(true));
  EXPECT_TRUE(api_->is_older(Generation::kSandboxes));
  EXPECT_FALSE(api_->is_older(Generation::kSandboxLists)) << "what came apart is found out apart";
}

TEST_F(ControlPlane, AServiceThatKnowsNeitherRouteIsNotCalledOlder) {
  answer(404, "<html>a hotel's network</html>");
  answer(404, kNoRoute);
  const auto created = create();
  ASSERT_FALSE(created.ok());
  EXPECT_THAT(created.error().message, HasSubstr("a hotel's network")) << "the first answer says best what it is";
  EXPECT_FALSE(api_->is_older(Generation::kSandboxes));
}

TEST_F(ControlPlane, AnAnswerThatIsNoDocumentIsAFailureOfTheService) {
  answer(201, "{\"sandboxID\":\"i1\"");
  const auto created = create();
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(failure_class_of(created.error()), FailureClass::kSandboxError);
}

// ---- Ids go into URLs and headers

TEST_F(ControlPlane, AnIdThatIsNoneIsNeverUsed) {
  const std::string longest(64, 'a');
  for (const std::string& id :
       {std::string(), std::string("../templates/x"), std::string("a/b"), std::string("A"), std::string("a b"),
        std::string("a?x"), std::string("a\\r\\nX: y"), std::string("a_b"), std::string("\\u00e4"), longest + "a"}) {
    const std::string document = R"({"sandboxID":")" + id + R"("})";
    transport_.answers = {FakeAnswer::json(201, document), FakeAnswer::json(200, "[" + document + "]"),
                          FakeAnswer::json(200, document), FakeAnswer::json(200, document)};
    EXPECT_FALSE(create().ok()) << id;
    const auto found = find_by_metadata(*api_, {});
    const auto got = get_sandbox(*api_, "i1", {});
    const auto connected = connect_sandbox(*api_, "i1", 60);
    EXPECT_FALSE(found.ok()) << id;
    EXPECT_FALSE(got.ok()) << id;
    ASSERT_FALSE(connected.ok()) << id;
    EXPECT_THAT(connected.error().message, HasSubstr("names no valid sandbox id"));
    EXPECT_EQ(failure_class_of(connected.error()), FailureClass::kSandboxError);
  }
}

TEST_F(ControlPlane, AnIdOfEveryAllowedCharacterIsTaken) {
  answer(201, R"({"sandboxID":"az-09"})");
  EXPECT_EQ(create()->id, "az-09");
  answer(201, R"({"sandboxID":")" + std::string(64, 'z') + R"("})");
  EXPECT_TRUE(create().ok());
}

// ---- Finding

TEST_F(ControlPlane, SandboxesAreFoundByMetadataOnEveryPage) {
  transport_.answers = {
      {200, R"([{"sandboxID":"i1","state":"paused","metadata":{"k":"v &"}}])", false, {{"X-Next-Token", "a/b"}}},
      {200, R"([{"sandboxID":"i2","metadata":{"k":"v &","more":"1"}}])", false}};
  const auto found = find_by_metadata(*api_, {{"k", "v &"}});
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].state, "paused");
  EXPECT_EQ((*found)[1].state, "running") << "what does not say runs";
  const std::string query = "/v2/sandboxes?state=running%2Cpaused&limit=100&metadata=k%3Dv%252520%252526";
  EXPECT_THAT(transport_.calls(),
              ElementsAre("GET https://api.test" + query, "GET https://api.test" + query + "&nextToken=a%2Fb"));
}

TEST_F(ControlPlane, AFilterIsNotTrustedWithWhatIsToBeDeleted) {
  answer(
      200,
      R"([{"sandboxID":"i1","metadata":{"run":"other"}},{"sandboxID":"i2"},{"sandboxID":"i3","metadata":{"run":"mine","owner":"x"}},{"sandboxID":"i4","metadata":{"run":"mine"}}])");
  const auto found = find_by_metadata(*api_, {{"run", "mine"}, {"owner", "x"}});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].id, "i3");
}

TEST_F(ControlPlane, AnOlderServiceListsByItsOwnRoute) {
  answer(405);
  answer(200, "[]");
  EXPECT_THAT(*find_by_metadata(*api_, {{"k", "v"}}), IsEmpty());
  EXPECT_EQ(transport_.calls().back(), "GET https://api.test/sandboxes?metadata=k%3Dv");
}

TEST_F(ControlPlane, AListIsAskedForAgain) {
  answer(503);
  answer(200, "[]");
  EXPECT_TRUE(find_by_metadata(*api_, {}).ok());
  EXPECT_GT(waited_, 0ms);
}

// ---- One sandbox

TEST_F(ControlPlane, ConnectingExtendsTheLifeAndNamesTheToken) {
  answer(200, kCreated);
  const auto connected = connect_sandbox(*api_, "i1", 60);
  EXPECT_EQ(connected->envd_token, "tok");
  EXPECT_THAT(transport_.calls(), ElementsAre("POST https://api.test/v2/sandboxes/i1/connect"));
  EXPECT_EQ(sent().body, R"({"timeout":60})");
  answer(404, kNoRoute);
  answer(200, kCreated);
  ASSERT_TRUE(connect_sandbox(*api_, "i1", 60).ok());
  EXPECT_EQ(transport_.calls().back(), "POST https://api.test/sandboxes/i1/connect");
}

TEST_F(ControlPlane, AGetTellsLifeAndShape) {
  answer(200, R"({"sandboxID":"i1","startedAt":"s","endAt":"e","cpuCount":2,"memoryMB":512})");
  const auto sandbox = get_sandbox(*api_, "i1", {.wait = 4s});
  EXPECT_EQ(sandbox->started_at, "s");
  EXPECT_EQ(sandbox->end_at, "e");
  EXPECT_EQ(sandbox->cpu_count, 2);
  EXPECT_EQ(sandbox->memory_mb, 512);
  EXPECT_EQ(sent().timeouts.total, 4s);
}

TEST_F(ControlPlane, CallsWhoseCallerRepeatsThemAreMadeOnce) {
  transport_.otherwise = FakeAnswer::json(503, "");
  EXPECT_FALSE(renew_lease(*api_, "i1", 60, {}).ok());
  EXPECT_FALSE(kill_sandbox(*api_, "i1", {}).ok());
  EXPECT_FALSE(is_gone(*api_, "i1", {}).ok());
  EXPECT_FALSE(get_sandbox(*api_, "i1", {}).ok());
  EXPECT_THAT(transport_.calls(),
              ElementsAre("POST https://api.test/sandboxes/i1/timeout", "DELETE https://api.test/sandboxes/i1",
                          "GET https://api.test/sandboxes/i1", "GET https://api.test/sandboxes/i1"));
  EXPECT_EQ(sent().body, R"({"timeout":60})");
}

TEST_F(ControlPlane, ARenewalIsAcceptedByAny2xxOnly) {
  answer(204);
  EXPECT_TRUE(renew_lease(*api_, "i1", 60, {.wait = 2s}).ok());
  EXPECT_EQ(sent().timeouts.total, 2s);
  answer(404, R"({"code":404,"message":"sandbox i1 doesn't exist"})");
  EXPECT_EQ(failure_class_of(renew_lease(*api_, "i1", 60, {}).error()), FailureClass::kNotFound);
}

TEST_F(ControlPlane, GoneIsWhatA404Says) {
  answer(404);
  EXPECT_TRUE(*is_gone(*api_, "i1", {}));
  answer(200, "{}");
  EXPECT_FALSE(*is_gone(*api_, "i1", {}));
  answer(500);
  EXPECT_FALSE(is_gone(*api_, "i1", {}).ok()) << "the service's trouble says nothing";
}

TEST_F(ControlPlane, AKillOfWhatIsGoneIsASuccess) {
  answer(204);
  EXPECT_TRUE(kill_sandbox(*api_, "i1", {}).ok());
  answer(404);
  EXPECT_TRUE(kill_sandbox(*api_, "i1", {}).ok());
  answer(409);
  EXPECT_FALSE(kill_sandbox(*api_, "i1", {}).ok());
}

// ---- Killing for sure

TEST_F(ControlPlane, AKillIsVerified) {
  answer(204);
  answer(404);
  EXPECT_TRUE(kill_verified().ok());
  EXPECT_THAT(transport_.calls(),
              ElementsAre("DELETE https://api.test/sandboxes/i1", "GET https://api.test/sandboxes/i1"));
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(ControlPlane, ASandboxThatIsStillListedIsKilledAgain) {
  for (const int status : {204, 200, 204, 500, 503, 204, 404}) answer(status, status == 200 ? "{}" : "");
  EXPECT_TRUE(kill_verified().ok());
  EXPECT_EQ(transport_.requests.size(), 7u);
  EXPECT_THAT(pauses_, ElementsAre(200, 400, 800)) << "the pauses grow";
}

TEST_F(ControlPlane, ASandboxThatStaysIsNoSuccess) {
  answer(204);
  answer(200, "{}");
  const Status killed = kill_verified(0ms);
  ASSERT_FALSE(killed.ok());
  EXPECT_THAT(killed.error().message, HasSubstr("i1 is still listed after it was killed"));
  EXPECT_EQ(transport_.requests.size(), 2u) << "the budget is used up";
}

TEST_F(ControlPlane, AKillThatIsRefusedIsGivenUpAfterAFewTries) {
  transport_.otherwise = FakeAnswer::json(403, "");
  const Status killed = kill_verified();
  ASSERT_FALSE(killed.ok());
  EXPECT_THAT(killed.error().message, HasSubstr("tried 4 times"));
  EXPECT_EQ(transport_.requests.size(), 4u);
}

TEST_F(ControlPlane, TooManyAndTroubleAreNoRefusals) {
  for (int i = 0; i < 8; ++i) answer(i % 2 ? 500 : 429);
  answer(204);
  answer(404);
  EXPECT_TRUE(kill_verified().ok());
  EXPECT_EQ(pauses_.back(), 2000) << "no pause is longer than this";
}

TEST_F(ControlPlane, AServiceThatAsksForTimeGetsIt) {
  transport_.answers = {{429, "", false, {{"Retry-After", "7"}}}, {204}, {404}};
  EXPECT_TRUE(kill_verified().ok());
  EXPECT_THAT(pauses_, ElementsAre(7000));
}

TEST_F(ControlPlane, ButNoMoreThanThereIs) {
  transport_.answers = {{429, "", false, {{"Retry-After", "3600"}}}, {204}, {404}};
  EXPECT_TRUE(kill_verified(5s).ok());
  ASSERT_EQ(pauses_.size(), 1u);
  EXPECT_LE(pauses_[0], 5000);
}

}  // namespace
}  // namespace osiris::e2b
