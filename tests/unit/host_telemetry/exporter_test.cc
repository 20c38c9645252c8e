// Against real servers on loopback: what arrives, and what a collector that is down, slow or wrong costs.
#include "host/telemetry/exporter.h"

#include <gmock/gmock.h>

#include <mutex>

#include "protocol/base/clock.h"
#include "tests/support/eventually.h"
#include "tests/support/no_more_threads.h"
#include "tests/unit/host_http/built_program.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris {
namespace {

using http::Connection;
using http::ScriptedServer;
using testing::HasSubstr;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

// Answers every request alike and keeps what came.
class Exports : public testing::Test {
 protected:
  void serve(std::string answer) {
    server_ = std::make_unique<ScriptedServer>([this, answer](Connection& connection) {
      for (;;) {
        auto request = connection.receive();
        if (request.head.empty()) return;
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(std::move(request));
        }
        connection.send(answer);
      }
    });
    settings_ = to(server_->url(""));
  }
  static TelemetrySettings to(const std::string& url) {
    TelemetrySettings settings;
    for (const Signal signal : kSignals) {
      auto& route = settings.routes[static_cast<size_t>(signal)];
      route.url = url + "/v1/" + std::string(signal_name(signal));
      route.is_json = true;
      route.headers = {{"x-key", "k"}};
    }
    settings.resource.set("service.name", "osiris");
    settings.flush_s = 2;
    settings.http.program = http::built_client_program();
    return settings;
  }
  std::unique_ptr<Exporter> exporter() {
    return std::make_unique<Exporter>(settings_, "1", [] { return Json::array({Json::object({{"name", "m"}})}); });
  }
  std::vector<Connection::Received> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // Spans and log records that arrived.
  size_t arrived() {
    size_t count = 0;
    for (const auto& request : requests()) {
      const Json document = *parse_json(request.body);
      for (const auto& [resource, scope, items] :
           {std::tuple{"resourceSpans", "scopeSpans", "spans"}, {"resourceLogs", "scopeLogs", "logRecords"}})
        for (const Json& each : document[resource].items())
          for (const Json& scoped : each[scope].items()) count += scoped[items].size();
    }
    return count;
  }

  std::mutex mutex_;
  std::vector<Connection::Received> requests_;
  std::unique_ptr<ScriptedServer> server_;
  TelemetrySettings settings_;
};

TEST_F(Exports, EverythingArrivesAtItsPlace) {
  serve(kOk);
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "early"}}));
  exporter->start();
  for (int i = 0; i < 1'200; ++i) exporter->add(Signal::kLogs, Json::object({{"n", i}}));
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.left_out, 0u);
  EXPECT_EQ(arrived(), 1'201u);
  std::string heads;
  for (const auto& request : requests()) heads += request.head;
  for (const char* expected :
       {"POST /v1/traces ", "POST /v1/logs ", "POST /v1/metrics ", "x-key: k", "content-type: application/json"})
    EXPECT_THAT(heads, HasSubstr(expected));
}

TEST_F(Exports, ACollectorThatIsDownCostsNothingAndIsNamedOnce) {
  settings_ = to("http://127.0.0.1:" + std::to_string(http::unused_port()));
  settings_.flush_s = 60;
  const auto exporter = this->exporter();
  exporter->start();
  for (int i = 0; i < 20'000; ++i) exporter->add(Signal::kLogs, Json::object({{"n", i}}));
  const int64_t before = system_clock().monotonic_ns();
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_LT(system_clock().monotonic_ns() - before, int64_t{20'000'000'000});
  EXPECT_EQ(outcome.left_out, 20'000u);
  EXPECT_THAT(outcome.error, HasSubstr("127.0.0.1"));
}

TEST_F(Exports, ACollectorThatNeverAnswersIsLeftAfterTheFlush) {
  server_ = std::make_unique<ScriptedServer>([](Connection& connection) { connection.wait_for_peer(); });
  settings_ = to(server_->url(""));
  settings_.flush_s = 0.3;
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "s"}}));
  const int64_t before = system_clock().monotonic_ns();
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_LT(system_clock().monotonic_ns() - before, int64_t{20'000'000'000});
  EXPECT_EQ(outcome.left_out, 1u);
  EXPECT_NE(outcome.error, "");
}

TEST_F(Exports, ARefusalIsToldWithItsWords) {
  serve("HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nno\x1b[31mway");
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "s"}}));
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_EQ(outcome.left_out, 1u);
  EXPECT_THAT(outcome.error, HasSubstr("/v1/traces answered 500: no?[31mway"));
}

TEST_F(Exports, ACollectorThatAsksForTimeGetsItWithinTheFlush) {
  std::atomic<int> count = 0;
  server_ = std::make_unique<ScriptedServer>([&](Connection& connection) {
    while (!connection.receive().head.empty())
      connection.send(++count < 3 ? "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n" : kOk);
  });
  settings_ = to(server_->url(""));
  settings_.flush_s = 30;
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "s"}}));
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.left_out, 0u);
}

TEST_F(Exports, APartOfItThatWasNotTakenIsTold) {
  serve(
      "HTTP/1.1 200 OK\r\nContent-Length: 61\r\n\r\n"
      R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"old"}})");
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "s"}}));
  EXPECT_THAT(exporter->finish().error, HasSubstr("did not take 1 traces: old"));
}

TEST_F(Exports, AFullBatchIsSentWhileTheRunGoesOn) {
  serve(kOk);
  const auto exporter = this->exporter();
  exporter->start();
  for (int i = 0; i < 600; ++i) exporter->add(Signal::kLogs, Json::object({{"n", i}}));
  EXPECT_TRUE(test::eventually([&] { return arrived() >= 512; }));
  exporter->finish();
  EXPECT_EQ(arrived(), 600u);
}

TEST_F(Exports, WithoutAThreadNothingIsSentAndThatIsSaid) {
  serve(kOk);
  const auto exporter = this->exporter();
  exporter->add(Signal::kTraces, Json::object({{"name", "early"}}));
  const NoMoreThreads none;
  const Exporter::Outcome outcome = exporter->finish();
  EXPECT_EQ(outcome.error, "nothing was sent: the machine has no more threads");
  EXPECT_EQ(outcome.left_out, 1u);
}

}  // namespace
}  // namespace osiris
