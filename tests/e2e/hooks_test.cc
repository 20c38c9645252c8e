// What is started and called when a run has ended.
#include <gmock/gmock.h>

#include "tests/e2e/collector.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

class HooksOfARun : public testing::Test {
 protected:
  HooksOfARun() { project_.write("in.csv", "id\n1\n2\n"); }

  // `head` stands at the pipeline's top level.
  void write_pipeline(const std::string& head = "", const std::string& query = "SELECT id FROM df_read") {
    project_.write(
        "p.yaml",
        head +
            oml("nightly",
                {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                 "  - {id: query, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}}\n",
                 "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  }
  static std::string keep(const char* file) { return "{command: 'cat > " + std::string(file) + "', shell: true}\n"; }
  bool has(const char* file) const { return std::filesystem::exists(project_.dir() / file); }

  Project project_;
};

TEST_F(HooksOfARun, TheProjectsAndThePipelinesAreRunByTheOutcome) {
  project_.write("osiris.yaml", "on_success: " + keep("project.ok") + "on_failure: " + keep("project.failed"));
  write_pipeline("on_success: " + keep("own.ok") + "on_failure: [" + keep("own.failed") + "]\n");
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(run.err, "");
  EXPECT_TRUE(has("project.ok") && has("own.ok"));
  EXPECT_FALSE(has("project.failed") || has("own.failed"));
  const Json document = *parse_json(project_.read("own.ok"));
  EXPECT_EQ(document["version"], Json(1));
  EXPECT_EQ(document["event"].as_string(), "on_success");
  EXPECT_EQ(document["pipeline"].as_string(), "nightly");
  EXPECT_EQ(document["outcome"].as_string(), "success");
  EXPECT_EQ(document["total_rows"], Json(2));
  EXPECT_EQ(document["steps"].size(), 3u);
  write_pipeline("on_failure: [" + keep("own.failed") + "]\n", "SELECT error('no way') AS id FROM df_read");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 1);
  EXPECT_TRUE(has("project.failed") && has("own.failed"));
  EXPECT_THAT((*parse_json(project_.read("own.failed")))["error"]["message"].as_string(), HasSubstr("no way"));
}

TEST_F(HooksOfARun, ACompiledManifestKeepsThem) {
  write_pipeline("on_success: " + keep("own.ok"));
  EXPECT_EQ(project_.osiris({"compile", "p.yaml"}).exit, 0);
  EXPECT_FALSE(has("own.ok"));
  const Outcome run = project_.osiris({"run", "--last-compile"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_TRUE(has("own.ok"));
}

TEST_F(HooksOfARun, ADryRunAndAValidationRunNone) {
  project_.write("osiris.yaml", "on_success: " + keep("ok") + "on_failure: " + keep("failed"));
  write_pipeline();
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--dry-run"}).exit, 0);
  EXPECT_EQ(project_.osiris({"validate", "p.yaml"}).exit, 0);
  project_.write("bad.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  EXPECT_EQ(project_.osiris({"run", "bad.yaml", "--dry-run"}).exit, 2);
  EXPECT_FALSE(has("ok") || has("failed"));
  EXPECT_EQ(project_.osiris({"run", "bad.yaml"}).exit, 2);
  EXPECT_TRUE(has("failed")) << "a pipeline that does not compile is a run that failed";
}

TEST_F(HooksOfARun, AFailureOfOneIsAWarningAndChangesNothing) {
  write_pipeline(
      "on_success:\n  - {command: 'echo sorry >&2; exit 7', shell: true}\n  - {command: [no-such-program-here]}\n"
      "  - {command: 'sleep 60', shell: true, timeout: 200ms}\n  - " +
      keep("after"));
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  for (const char* expected :
       {"exited with status 7: sorry", "no program no-such-program-here", "was not done in 0.2 s"})
    EXPECT_THAT(run.err, HasSubstr(expected));
  EXPECT_TRUE(has("after"));
  EXPECT_EQ(project_.status()["ok"], Json(true));
  EXPECT_THAT(project_.read(project_.session() / "osiris.log"), HasSubstr("status 7"));
}

TEST_F(HooksOfARun, ADeadlineOfTheRunIsNoneOfTheirs) {
  write_pipeline("on_success: {command: 'sleep 3; cat > late', shell: true}\n");
  const Outcome run = project_.osiris({"run", "p.yaml", "--timeout", "2s"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_TRUE(has("late"));
}

TEST_F(HooksOfARun, WrongOnesAreFindings) {
  write_pipeline("on_failure: {command: 'mail me'}\n");
  const Outcome run = project_.osiris({"validate", "p.yaml"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err + run.out, HasSubstr("shell: true"));
  write_pipeline();
  project_.write("osiris.yaml", "on_failure: 3\n");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 2);
  project_.write("osiris.yaml", "on_failure: {command: a}\n", 0666);
  const Outcome untrusted = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(untrusted.exit, 2);
  EXPECT_THAT(untrusted.err, HasSubstr("can be written by"));
}

TEST_F(HooksOfARun, TheDocumentHasNoSecrets) {
  project_.set("SHOP_PASSWORD", "cAn4ry/p@ss+word 1");
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mock:\n    shop:\n      default: true\n      host: db.example.org\n"
                 "      password: ${SHOP_PASSWORD}\n",
                 0600);
  project_.write("p.yaml", "on_success: " + keep("said") + "on_failure: " + keep("said") +
                               oml("leak", {"  - {id: leak, component: mock, mode: read, config: {connection: "
                                            "\"@mock.shop\", print_secrets: true}}\n"}));
  project_.osiris({"run", "p.yaml", "--allow-mock"});
  EXPECT_TRUE(has("said"));
  EXPECT_THAT(project_.read("said"), Not(HasSubstr("cAn4ry")));
}

TEST_F(HooksOfARun, AWebhookGetsTheDocumentAndItsAddressStaysSecret) {
  const Collector receiver("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  project_.set("HOOK_URL", receiver.endpoint() + "/services/cAn4ry-path-of-the-hook");
  write_pipeline("on_success: {webhook: '${HOOK_URL}', headers: {X-Kind: osiris}}\n");
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_EQ(receiver.requests(), 1u);
  EXPECT_THAT(receiver.bytes(), HasSubstr("POST /services/cAn4ry-path-of-the-hook "));
  EXPECT_THAT(receiver.bytes(), HasSubstr("X-Kind: osiris"));
  EXPECT_THAT(receiver.bytes(), HasSubstr(R"("event":"on_success")"));
  EXPECT_THAT(run.err, HasSubstr("answered 503"));
  EXPECT_THAT(run.out + run.err, Not(HasSubstr("cAn4ry")));
  for (const auto& [name, content] : project_.tree()) EXPECT_THAT(content, Not(HasSubstr("cAn4ry"))) << name;
}

}  // namespace
}  // namespace osiris::e2e
