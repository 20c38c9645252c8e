// The trace of a run in a sandbox.
#include <gmock/gmock.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/e2e/collector.h"

namespace osiris::e2b_test {
namespace {

TEST(E2bTelemetry, ProgramsInTheSandboxGoOnWithTheTraceAndSendNothingThemselves) {
  const ServerProcess server = start_server();
  Project project;
  use_server(project, server);
  const e2e::Collector collector;
  project.set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
  project.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
  project.set("OTEL_EXPORTER_OTLP_HEADERS", "x-key=cAn4ry-key-of-the-collector");
  project.write("tell.sh", "#!/bin/sh\nprintf 'seen\\n%s\\n' \"$TRACEPARENT\" > \"$OSIRIS_OUTPUT\"\n");
  project.write("pipeline.yaml",
                e2e::oml("traced", {"  - id: tell\n    component: exec.processor\n    mode: transform\n    needs: []\n"
                                    "    config: {command: [./tell.sh], files: [tell.sh], format: csv}\n",
                                    "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n"
                                    "    needs: [tell]\n    config: {path: out.csv}\n"}));
  const Outcome run = project.osiris(run_arguments("e2b"));
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  const Json root = collector.span("run traced"), step = collector.span("step tell"),
             adapter = collector.span("adapter e2b");
  EXPECT_EQ(step["parentSpanId"], collector.span("adapter execute")["spanId"]);
  EXPECT_EQ(adapter["parentSpanId"], root["spanId"]);
  EXPECT_EQ(project.read("out.csv"),
            "seen\n00-" + root["traceId"].as_string() + "-" + step["spanId"].as_string() + "-01\n");
  bool is_acquired = false;
  for (const Json& event : adapter["events"].items()) is_acquired |= event["name"].as_string() == "resource_acquired";
  EXPECT_TRUE(is_acquired) << adapter.dump();
  EXPECT_THAT(server.requests().dump(), testing::Not(testing::HasSubstr("cAn4ry")));
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
