// Runs that a collector is told of, and collectors that are down, slow or wrong.
#include <gmock/gmock.h>

#include "protocol/base/clock.h"
#include "protocol/base/redact.h"
#include "tests/e2e/collector.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr const char* kTrace = "0af7651916cd43dd8448eb211c80319c";

class Telemetry : public testing::Test {
 protected:
  Telemetry() { project_.write("in.csv", "id\n1\n2\n"); }

  void tell(const std::string& endpoint) {
    project_.set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    project_.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  }
  void write_pipeline(const std::string& query = "SELECT id FROM df_read") {
    project_.write(
        "p.yaml",
        oml("nightly",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
             "  - {id: query, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  }
  static double seconds_since(int64_t before_ns) {
    return static_cast<double>(system_clock().monotonic_ns() - before_ns) / 1e9;
  }

  Project project_;
};

TEST_F(Telemetry, IsOffUntilThereIsAnEndpoint) {
  const Collector collector;
  write_pipeline();
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  tell(collector.endpoint());
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--dry-run"}).exit, 0);
  EXPECT_EQ(project_.osiris({"validate", "p.yaml"}).exit, 0);
  project_.set("OTEL_SDK_DISABLED", "true");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_EQ(collector.requests(), 0u);
}

TEST_F(Telemetry, ARunIsATraceFromHostToSteps) {
  const Collector collector;
  tell(collector.endpoint());
  project_.set("TRACEPARENT", kParent);
  write_pipeline();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_EQ(run.err, "");
  const Json root = collector.span("run nightly"), adapter = collector.span("adapter local"),
             execute = collector.span("adapter execute");
  EXPECT_EQ(root["traceId"].as_string(), kTrace);
  EXPECT_EQ(root["parentSpanId"].as_string(), "b7ad6b7169203331");
  EXPECT_EQ(adapter["parentSpanId"], root["spanId"]);
  EXPECT_EQ(execute["parentSpanId"], adapter["spanId"]);
  for (const char* step : {"step read", "step query", "step save"})
    EXPECT_EQ(collector.span(step)["parentSpanId"], execute["spanId"]) << step;
  EXPECT_EQ(attribute(root, "osiris.run.outcome"), Json("success"));
  EXPECT_EQ(attribute(root, "process.exit.code"), Json("0"));
  EXPECT_EQ(attribute(collector.span("step save"), "osiris.rows_written"), Json("2"));
}

TEST_F(Telemetry, EventsAreLogRecordsOfTheirSpansAndMetricsHaveTheirUnits) {
  const Collector collector;
  tell(collector.endpoint());
  write_pipeline();
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  const Json step = collector.span("step save");
  size_t of_step = 0, events = 0;
  for (const Json& log : collector.logs()) {
    events += log.contains("eventName");
    of_step += log["spanId"] == step["spanId"];
    EXPECT_EQ(log["traceId"], step["traceId"]);
  }
  EXPECT_EQ(events, Project::lines(project_.session() / "events.jsonl").size());
  EXPECT_GE(of_step, 3u);
  std::map<std::string, std::string> units;
  for (const Json& metric : collector.metrics()) units[metric["name"].as_string()] = metric["unit"].as_string();
  EXPECT_EQ(units["osiris.rows_written"], "{row}");
  EXPECT_EQ(units["osiris.run.duration"], "s");
  EXPECT_EQ(units["osiris.step.duration"], "s");
}

TEST_F(Telemetry, ProgramsOfStepsGoOnWithTheTrace) {
  const Collector collector;
  tell(collector.endpoint());
  project_.set("TRACEPARENT", kParent);
  project_.set("TRACESTATE", "vendor=1");
  const std::string script = "printf 'seen\\n%s %s\\n' $TRACEPARENT $TRACESTATE > $OSIRIS_OUTPUT";
  project_.write(
      "p.yaml",
      oml("nightly",
          {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
           "  - id: tell\n    component: exec.processor\n    mode: transform\n    config: {format: csv, command: "
           "[/bin/sh, -c, \"" +
               script + "\"]}\n",
           "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0) << run.out << run.err;
  const std::string span = collector.span("step tell")["spanId"].as_string();
  EXPECT_EQ(project_.read("out.csv"), "seen\n00-" + std::string(kTrace) + "-" + span + "-01 vendor=1\n");
  project_.set("OTEL_SDK_DISABLED", "true");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_THAT(project_.read("out.csv"), Not(HasSubstr(kTrace))) << "nothing travels when nothing is sent";
}

TEST_F(Telemetry, SoDoPythonSteps) {
  const Collector collector;
  tell(collector.endpoint());
  project_.write("tell.py",
                 "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write('seen\\n' + os.environ['TRACEPARENT'] + "
                 "'\\n')\n");
  project_.write("p.yaml",
                 oml("nightly", {"  - {id: tell, component: python.processor, mode: transform, needs: [], config: "
                                 "{script: tell.py, format: csv}}\n",
                                 "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [tell], "
                                 "config: {path: out.csv}}\n"}));
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0) << run.out << run.err;
  const Json span = collector.span("step tell");
  EXPECT_EQ(project_.read("out.csv"),
            "seen\n00-" + span["traceId"].as_string() + "-" + span["spanId"].as_string() + "-01\n");
}

TEST_F(Telemetry, ARunThatFailsIsAnErrorOfItsSpans) {
  const Collector collector;
  tell(collector.endpoint());
  write_pipeline("SELECT error('no way') AS id FROM df_read");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 1);
  EXPECT_EQ(collector.span("step query")["status"]["code"], Json(2));
  EXPECT_THAT(collector.span("step query")["status"]["message"].as_string(), HasSubstr("no way"));
  EXPECT_EQ(collector.span("run nightly")["status"]["code"], Json(2));
  EXPECT_TRUE(collector.span("step save").is_null()) << "it did not run";
}

TEST_F(Telemetry, ACompileThatFailsIsToldToo) {
  const Collector collector;
  tell(collector.endpoint());
  project_.write("p.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 2);
  EXPECT_EQ(collector.span("compile")["status"]["code"], Json(2));
}

TEST_F(Telemetry, TheProjectsFileCanAskForIt) {
  const Collector collector;
  project_.set("COLLECTOR_KEY", "cAn4ry-key-of-the-collector");
  project_.write("osiris.yaml", "telemetry:\n  endpoint: " + collector.endpoint() +
                                    "\n  protocol: http/json\n  headers: {authorization: 'Bearer ${COLLECTOR_KEY}'}\n"
                                    "  service_name: shop\n  signals: [traces]\n");
  write_pipeline();
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_THAT(collector.bytes(), HasSubstr("authorization: Bearer cAn4ry-key-of-the-collector"));
  EXPECT_THAT(collector.bytes(), HasSubstr(R"("shop")"));
  EXPECT_FALSE(collector.spans().empty());
  EXPECT_TRUE(collector.logs().empty());
  for (const auto& [name, content] : project_.tree()) EXPECT_THAT(content, Not(HasSubstr("cAn4ry"))) << name;
  project_.write("osiris.yaml", "telemetry: {endpoint: 'c:4317', protocol: grpc, signals: [smoke]}\n");
  const Outcome wrong = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(wrong.exit, 2);
  for (const char* expected : {"endpoint must begin with", "protocol must be of", "signals must be of"})
    EXPECT_THAT(wrong.err, HasSubstr(expected));
}

TEST_F(Telemetry, AFileThatAnotherUserCanWriteSendsNothing) {
  project_.write("osiris.yaml", "telemetry: {endpoint: 'http://127.0.0.1:1'}\n", 0666);
  write_pipeline();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_THAT(run.err, HasSubstr("can be written by"));
}

TEST_F(Telemetry, ACollectorThatIsDownIsOneWarning) {
  tell("http://127.0.0.1:" + std::to_string(http::unused_port()));
  write_pipeline();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  const size_t first = run.err.find("telemetry was not sent");
  EXPECT_NE(first, std::string::npos) << run.err;
  EXPECT_EQ(run.err.find("was not sent", first + 20), std::string::npos) << run.err;
  EXPECT_EQ(project_.status()["ok"], Json(true));
}

TEST_F(Telemetry, ACollectorThatDoesNotAnswerHoldsARunNoLongerThanItsFlush) {
  const Collector collector("");
  tell(collector.endpoint());
  project_.write("osiris.yaml", "telemetry: {flush: 300ms}\n");
  write_pipeline();
  const int64_t before = system_clock().monotonic_ns();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.err, HasSubstr("telemetry was not sent whole"));
  EXPECT_LT(seconds_since(before), 20);
}

TEST_F(Telemetry, ACollectorThatRefusesIsOneWarningWithItsWords) {
  const Collector collector(
      "HTTP/1.1 500 Sorry\r\nContent-Length: 5\r\n\r\nno\x1b"
      "am");
  tell(collector.endpoint());
  write_pipeline();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.err, HasSubstr("answered 500: no?am"));
  EXPECT_EQ(run.err.find("answered 500"), run.err.rfind("answered 500"));
}

TEST_F(Telemetry, WrongVariablesAreWarnings) {
  tell("127.0.0.1:4317");
  write_pipeline();
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.err, HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http"));
}

TEST_F(Telemetry, SecretsStayHere) {
  const Collector collector;
  tell(collector.endpoint());
  project_.set("SHOP_PASSWORD", "cAn4ry/p@ss+word 1");
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mock:\n    shop:\n      default: true\n      host: db.example.org\n"
                 "      password: ${SHOP_PASSWORD}\n",
                 0600);
  project_.write("p.yaml", oml("leak", {"  - {id: leak, component: mock, mode: read, config: {connection: "
                                        "\"@mock.shop\", print_secrets: true}}\n"}));
  project_.osiris({"run", "p.yaml", "--allow-mock"});
  EXPECT_FALSE(collector.spans().empty());
  for (const std::string& spelling : secret_spellings("cAn4ry/p@ss+word 1"))
    EXPECT_THAT(collector.bytes(), Not(HasSubstr(spelling)));
}

TEST_F(Telemetry, HostileNamesStayText) {
  const Collector collector;
  tell(collector.endpoint());
  project_.write("p.yaml",
                 "oml_version: \"0.1.0\"\nname: \"<b>\\\"};\\u001b[31m\\u202e\"\nsteps:\n"
                 "  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n"
                 "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n");
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0) << run.err;
  EXPECT_FALSE(collector.spans().empty()) << "each document is JSON";
  EXPECT_THAT(collector.bytes(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace osiris::e2e
