// Templates on a transport of the test's: named by their content, found or built once, and every way in which a build
// goes wrong.
#include "plugins/e2b/api/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "protocol/base/file.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using http::FakeAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Templates : public testing::Test {
 protected:
  Templates() : context_(fs::path(testing::TempDir()) / ("context_" + std::to_string(::getpid()) + ".tar.gz")) {
    ApiConfig config;
    config.api_url = "https://api.test";
    api_.emplace(config, transport_, http::RetryPolicy{.seed = 7}, [](http::Milliseconds) { return true; }, nullptr);
    spec_.from_template = "base";
    spec_.cpu_count = 2;
    spec_.memory_mb = 1024;
    spec_.min_free_disk_mb = 512;
    spec_.steps = {{"RUN", {"true"}, {}, ""}};
    options_.sleep = [this](http::Milliseconds wait) {
      pauses_.push_back(wait.count());
      return !interrupted_;
    };
    options_.log = [this](const std::string&, const std::string& line) {
      lines_.push_back(line);
      return line != "for programs";
    };
  }
  ~Templates() override { fs::remove(context_); }

  void answer(int status, const std::string& body = "") {
    transport_.answers.push_back(FakeAnswer::json(status, body));
  }
  // A build as far as its start: nothing of that name, a new template, ...
  void begin_build() {
    answer(404, R"({"code":404,"message":"template not found"})");
    answer(202, R"({"templateID":"t1","buildID":"b1"})");
  }
  void copy_context() {
    ASSERT_TRUE(write_file_atomically(context_, "tar bytes").ok());
    spec_.steps.push_back({"COPY", {".", "/x"}, context_, std::string(64, 'a')});
  }
  Json sent_body(size_t index) const { return *parse_json(transport_.requests.at(index).body); }
  Result<BuiltTemplate> ensure() { return ensure_template(*api_, spec_, options_); }

  const fs::path context_;
  http::FakeTransport transport_;
  std::optional<ApiClient> api_;
  TemplateSpec spec_;
  BuildOptions options_;
  std::vector<int64_t> pauses_;
  std::vector<std::string> lines_;
  bool interrupted_ = false;
};

// ---- Names

TEST_F(Templates, TheSameSpecHasTheSameNameOnAnyMachine) {
  TemplateSpec spec;
  spec.from_template = "base";
  spec.steps = {{"RUN", {"true"}, {}, ""}};
  EXPECT_EQ(spec.name(), TemplateSpec(spec).name());
  EXPECT_TRUE(spec.name().starts_with("osiris-")) << spec.name();
  EXPECT_EQ(spec.name().size(), std::string("osiris-").size() + 16);
  EXPECT_EQ(spec.name_of("team"), spec.name() + "-" + spec.name_of("team").substr(spec.name().size() + 1));
  EXPECT_EQ(spec.name_of("team").size(), spec.name().size() + 9);
  EXPECT_NE(spec.name_of("team"), spec.name_of("other"));
}

TEST_F(Templates, AnotherSpecHasAnotherName) {
  const std::string name = spec_.name();
  const auto differs = [&](auto change) {
    TemplateSpec other = spec_;
    change(other);
    return other.name() != name;
  };
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.from_template = "other"; }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.from_image = "debian"; }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.cpu_count = 4; }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.memory_mb = 2048; }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.min_free_disk_mb.reset(); }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.steps[0].arguments = {"false"}; }));
  EXPECT_TRUE(differs([](TemplateSpec& spec) { spec.steps[0].files_hash = std::string(64, 'b'); }));
}

// ---- Found or built

TEST_F(Templates, OneThatExistsIsNotBuilt) {
  answer(200, R"({"templateID":"t9"})");
  const auto found = ensure();
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->template_id, "t9");
  EXPECT_FALSE(found->built_now);
  EXPECT_THAT(transport_.calls(), ElementsAre("GET https://api.test/templates/aliases/" + spec_.name()));
}

TEST_F(Templates, OneThatDoesNotExistIsBuiltFromItsShapeFilesAndSteps) {
  copy_context();
  begin_build();
  answer(200, R"({"present":false,"url":"https://store.test/up?sig=1","headers":{"x-sig":"s"}})");
  answer(200);
  answer(202);
  answer(200, R"({"status":"building","logEntries":[{"message":"one"}]})");
  answer(200, R"({"status":"ready","logEntries":[{"message":"two"}]})");
  const auto built = ensure();
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_EQ(built->template_id, "t1");
  EXPECT_EQ(built->name, spec_.name());
  EXPECT_TRUE(built->built_now);
  EXPECT_EQ(built->bytes_uploaded, 9u);
  const std::string hash(64, 'a');
  EXPECT_THAT(transport_.calls(),
              ElementsAre("GET https://api.test/templates/aliases/" + spec_.name(),
                          "POST https://api.test/v3/templates", "GET https://api.test/templates/t1/files/" + hash,
                          "PUT https://store.test/up?sig=1", "POST https://api.test/v2/templates/t1/builds/b1",
                          "GET https://api.test/templates/t1/builds/b1/status?logsOffset=0",
                          "GET https://api.test/templates/t1/builds/b1/status?logsOffset=1"));
  EXPECT_EQ(sent_body(1).dump(),
            R"({"name":")" + spec_.name() + R"(","cpuCount":2,"memoryMB":1024,"minFreeDiskMb":512})");
  EXPECT_EQ(transport_.requests[3].body, "tar bytes");
  EXPECT_EQ(transport_.requests[3].headers.get("x-sig"), "s");
  EXPECT_FALSE(transport_.requests[3].headers.has("X-API-Key")) << "the store is not the service";
  EXPECT_EQ(transport_.requests[3].timeouts.total, 0ms);
  EXPECT_EQ(
      sent_body(4).dump(),
      R"({"steps":[{"type":"RUN","args":["true"],"force":false},{"type":"COPY","args":[".","/x"],"force":false,"filesHash":")" +
          hash + R"("}],"force":false,"fromTemplate":"base"})");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
}

TEST_F(Templates, FilesThatTheServiceHasAreNotSentAgain) {
  copy_context();
  begin_build();
  answer(200, R"({"present":true})");
  answer(202);
  answer(200, R"({"status":"ready"})");
  EXPECT_EQ(ensure()->bytes_uploaded, 0u);
}

TEST_F(Templates, FilesThatCannotBeSentEndTheBuildBeforeItsStart) {
  copy_context();
  begin_build();
  answer(200, R"({"present":false,"url":"https://store.test/up","headers":{}})");
  answer(403);
  const auto built = ensure();
  ASSERT_FALSE(built.ok());
  EXPECT_THAT(built.error().message, HasSubstr("upload the template's files"));
  EXPECT_EQ(transport_.requests.size(), 4u);
}

TEST_F(Templates, AnImageIsSaidInPlaceOfATemplate) {
  spec_.from_image = "debian:12";
  begin_build();
  answer(202);
  answer(200, R"({"status":"ready"})");
  ASSERT_TRUE(ensure().ok());
  EXPECT_EQ(sent_body(2)["fromImage"].as_string(), "debian:12");
  EXPECT_FALSE(sent_body(2).contains("fromTemplate"));
}

TEST_F(Templates, AnOlderServiceCallsTheNameAnAlias) {
  answer(404, R"({"code":404,"message":"template not found"})");
  answer(404, R"({"code":404,"message":"route not found"})");
  answer(202, R"({"templateID":"t1","buildID":"b1"})");
  answer(202);
  answer(200, R"({"status":"ready"})");
  ASSERT_TRUE(ensure().ok());
  EXPECT_EQ(transport_.calls()[2], "POST https://api.test/v2/templates");
  EXPECT_EQ(sent_body(2)["alias"].as_string(), spec_.name());
  EXPECT_FALSE(sent_body(2).contains("name"));
}

TEST_F(Templates, OneThatIsBuiltAnewIsNotLookedFor) {
  options_.force = true;
  answer(202, R"({"templateID":"t1","buildID":"b1"})");
  answer(202);
  answer(200, R"({"status":"ready"})");
  ASSERT_TRUE(ensure().ok());
  EXPECT_EQ(transport_.calls()[0], "POST https://api.test/v3/templates");
}

// ---- Builds that go wrong

TEST_F(Templates, AFailedBuildTellsItsReasonAndItsLastLinesForPeople) {
  begin_build();
  answer(202);
  std::string entries;
  for (int i = 1; i <= 14; ++i) entries += R"({"message":"line )" + std::to_string(i) + R"("},)";
  answer(200, R"({"status":"error","reason":{"message":"exit status 1","step":"2"},"logEntries":[)" + entries +
                  R"({"message":"for programs"}]})");
  const auto built = ensure();
  ASSERT_FALSE(built.ok());
  EXPECT_EQ(failure_class_of(built.error()), FailureClass::kSandboxError);
  EXPECT_THAT(built.error().message,
              HasSubstr("could not be built: exit status 1 (step 2); its last lines:\n    line 3\n    line 4"));
  EXPECT_THAT(built.error().message, testing::EndsWith("line 14"));
}

TEST_F(Templates, ABuildThatTakesTooLongIsACreationTimeout) {
  begin_build();
  answer(202);
  transport_.otherwise = FakeAnswer::json(200, R"({"status":"building"})");
  options_.timeout_ms = -1;
  const auto built = ensure();
  ASSERT_FALSE(built.ok());
  EXPECT_EQ(failure_class_of(built.error()), FailureClass::kCreationTimeout);
}

TEST_F(Templates, ACancelEndsTheWaiting) {
  begin_build();
  answer(202);
  transport_.otherwise = FakeAnswer::json(200, R"({"status":"building"})");
  interrupted_ = true;
  EXPECT_EQ(ensure().error().code, Code::kCancelled);
  EXPECT_EQ(pauses_.size(), 1u);
}

TEST_F(Templates, AStartInDoubtIsNotRepeatedOnceTheBuildBegan) {
  begin_build();
  answer(502);
  answer(200, R"({"status":"building"})");
  answer(200, R"({"status":"ready"})");
  EXPECT_TRUE(ensure().ok());
  EXPECT_EQ(transport_.requests.size(), 5u);
  EXPECT_THAT(pauses_, IsEmpty());
}

TEST_F(Templates, AStartInDoubtIsRepeatedWhileTheBuildStillWaits) {
  begin_build();
  answer(502);
  answer(200, R"({"status":"waiting"})");
  answer(202);
  answer(200, R"({"status":"ready"})");
  EXPECT_TRUE(ensure().ok());
  EXPECT_EQ(transport_.calls()[4], "POST https://api.test/v2/templates/t1/builds/b1");
  EXPECT_EQ(pauses_.size(), 1u);
}

TEST_F(Templates, AStartThatIsRefusedOrOutOfTimeIsAnError) {
  begin_build();
  answer(400, R"({"code":400,"message":"no"})");
  EXPECT_EQ(http_status_of(ensure().error()), 400);
  EXPECT_EQ(transport_.requests.size(), 3u);
  transport_.requests.clear();
  options_.retry_budget = 0ms;
  begin_build();
  answer(503);
  answer(200, R"({"status":"waiting"})");
  EXPECT_EQ(http_status_of(ensure().error()), 503);
  EXPECT_EQ(transport_.requests.size(), 4u);
}

// ---- Names of other teams

TEST_F(Templates, ANameOfAnotherTeamIsLeftForOneOfOnesOwn) {
  options_.owner = "me";
  answer(403, R"({"code":403,"message":"no access"})");
  answer(200, R"({"templateID":"t2"})");
  const auto own = ensure();
  ASSERT_TRUE(own.ok());
  EXPECT_EQ(own->name, spec_.name_of("me"));
  EXPECT_EQ(transport_.calls().back(), "GET https://api.test/templates/aliases/" + spec_.name_of("me"));
}

TEST_F(Templates, ANameThatIsTakenMeanwhileIsLeftToo) {
  options_.owner = "me";
  answer(404);
  answer(403, R"({"code":403,"message":"alias taken"})");
  answer(200, R"({"templateID":"t2"})");
  EXPECT_EQ(ensure()->template_id, "t2");
}

TEST_F(Templates, AKeyThatIsRefusedForBothNamesIsNotAMatterOfNames) {
  options_.owner = "me";
  answer(403, R"({"code":403,"message":"first"})");
  answer(403, R"({"code":403,"message":"second"})");
  EXPECT_THAT(ensure().error().message, HasSubstr("first"));
}

TEST_F(Templates, OtherRefusalsAndTeamsWithoutAnOwnerKeepTheirAnswer) {
  options_.owner = "me";
  answer(401);
  EXPECT_EQ(http_status_of(ensure().error()), 401);
  options_.owner = "";
  answer(403);
  EXPECT_EQ(http_status_of(ensure().error()), 403);
  EXPECT_EQ(transport_.requests.size(), 2u);
}

// ---- Lists

TEST_F(Templates, OnlyThoseThatOsirisBuiltAreListed) {
  transport_.answers = {
      {200,
       R"([{"templateID":"t1","names":["team/osiris-0"],"cpuCount":2,"memoryMB":512,"createdAt":"d"},{"templateID":"t2","names":["mine"]}])",
       false,
       {{"X-Next-Token", "p2"}}},
      {200, R"([{"templateID":"t3","aliases":["other","osiris-1"]}])"}};
  const auto listed = list_templates(*api_);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ((*listed)[0].template_id, "t1");
  EXPECT_EQ((*listed)[0].name, "team/osiris-0");
  EXPECT_EQ((*listed)[0].cpu_count, 2);
  EXPECT_EQ((*listed)[0].memory_mb, 512);
  EXPECT_EQ((*listed)[0].created_at, "d");
  EXPECT_EQ((*listed)[1].name, "osiris-1");
  EXPECT_THAT(transport_.calls(), ElementsAre("GET https://api.test/v2/templates?limit=100",
                                              "GET https://api.test/v2/templates?limit=100&nextToken=p2"));
}

TEST_F(Templates, OneThatIsGoneIsDeleted) {
  answer(204);
  EXPECT_TRUE(delete_template(*api_, "t1").ok());
  answer(404);
  EXPECT_TRUE(delete_template(*api_, "t1").ok());
  answer(403);
  EXPECT_FALSE(delete_template(*api_, "t1").ok());
  EXPECT_EQ(transport_.calls()[0], "DELETE https://api.test/templates/t1");
}

}  // namespace
}  // namespace osiris::e2b
