#include "host/telemetry/settings.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Settings : public testing::Test {
 protected:
  TelemetrySettings read(std::map<std::string, std::string, std::less<>> variables = {}) {
    const Environment environment(std::move(variables));
    return telemetry_settings(config_, environment, environment, "1.2.3", masking_);
  }
  static std::vector<std::string> urls(const TelemetrySettings& settings) {
    std::vector<std::string> urls;
    for (const Signal signal : kSignals) urls.push_back(settings.route(signal).url);
    return urls;
  }

  TelemetryConfig config_;
  Masking masking_;
};

TEST_F(Settings, NothingIsSentUnlessThereIsAnEndpoint) {
  EXPECT_FALSE(read().is_on());
  EXPECT_FALSE(read({{"OTEL_SERVICE_NAME", "x"}, {"TRACEPARENT", "rubbish"}}).is_on());
  EXPECT_THAT(read({{"TRACEPARENT", "rubbish"}}).warnings, IsEmpty());
}

TEST_F(Settings, AnEndpointIsForAllSignalsAndOneOfASignalIsTakenAsItIs) {
  EXPECT_THAT(
      urls(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base/"}})),
      ElementsAre("http://c:4318/base/v1/traces", "http://c:4318/base/v1/metrics", "http://c:4318/base/v1/logs"));
  EXPECT_THAT(urls(read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/in"}})),
              ElementsAre("https://t/in", "", ""));
}

TEST_F(Settings, TheEnvironmentWinsOverTheFile) {
  config_.endpoint = "http://file:1";
  config_.protocol = "http/json";
  config_.headers = {{"X-One", "file"}, {"x-two", "file"}};
  config_.service_name = "file";
  config_.resource_attributes = {{"deployment.environment.name", "test"}};
  TelemetrySettings settings = read();
  EXPECT_EQ(settings.route(Signal::kLogs).url, "http://file:1/v1/logs");
  EXPECT_TRUE(settings.route(Signal::kLogs).is_json);
  EXPECT_EQ(settings.resource["service.name"].as_string(), "file");
  settings = read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:2"},
                   {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"},
                   {"OTEL_EXPORTER_OTLP_HEADERS", "x-one=a%20b, api=k=v"},
                   {"OTEL_EXPORTER_OTLP_TIMEOUT", "250"},
                   {"OTEL_SERVICE_NAME", "env"},
                   {"OTEL_RESOURCE_ATTRIBUTES", "team=data%2Fcore,service.name=no"}});
  const auto& logs = settings.route(Signal::kLogs);
  EXPECT_EQ(logs.url, "http://env:2/v1/logs");
  EXPECT_FALSE(logs.is_json);
  EXPECT_TRUE(settings.route(Signal::kTraces).is_json);
  EXPECT_EQ(logs.headers.get("x-one"), "a b");
  EXPECT_EQ(logs.headers.get("x-two"), "file");
  EXPECT_EQ(logs.headers.get("api"), "k=v");
  EXPECT_EQ(logs.timeout_s, 0.25);
  EXPECT_EQ(settings.resource["service.name"].as_string(), "env");
  EXPECT_EQ(settings.resource["service.version"].as_string(), "1.2.3");
  EXPECT_EQ(settings.resource["team"].as_string(), "data/core");
  EXPECT_EQ(settings.resource["deployment.environment.name"].as_string(), "test");
  EXPECT_THAT(settings.warnings, IsEmpty());
}

TEST_F(Settings, EitherSwitchTurnsItOff) {
  config_.endpoint = "http://c:4318";
  EXPECT_TRUE(read({{"OTEL_SDK_DISABLED", "false"}}).is_on());
  EXPECT_FALSE(read({{"OTEL_SDK_DISABLED", "TRUE"}}).is_on());
  EXPECT_THAT(urls(read({{"OTEL_TRACES_EXPORTER", "none"}})),
              ElementsAre("", "http://c:4318/v1/metrics", "http://c:4318/v1/logs"));
  config_.signals = {"metrics"};
  EXPECT_THAT(urls(read()), ElementsAre("", "http://c:4318/v1/metrics", ""));
  config_.enabled = false;
  EXPECT_FALSE(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}}).is_on());
}

TEST_F(Settings, WhatIsWrongIsAWarningAndNotSent) {
  const auto warnings = [&](std::map<std::string, std::string, std::less<>> variables) {
    variables.try_emplace("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    return read(std::move(variables)).warnings;
  };
  EXPECT_THAT(warnings({{"OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"}}), ElementsAre(HasSubstr("must begin with http")));
  EXPECT_THAT(warnings({{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}), ElementsAre(HasSubstr("4318")));
  EXPECT_FALSE(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}).is_on());
  EXPECT_THAT(warnings({{"OTEL_EXPORTER_OTLP_HEADERS", "nonsense"}}), ElementsAre(HasSubstr("name=value")));
  EXPECT_THAT(warnings({{"OTEL_EXPORTER_OTLP_HEADERS", "a%0d%0ab=c,x=y%0d%0aHost: z"}}),
              ElementsAre(HasSubstr("cannot be sent"), HasSubstr("cannot be sent")));
  EXPECT_THAT(warnings({{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}}), testing::Contains(HasSubstr("milliseconds")));
  EXPECT_THAT(warnings({{"OTEL_RESOURCE_ATTRIBUTES", "=x"}}), ElementsAre(HasSubstr("OTEL_RESOURCE_ATTRIBUTES")));
  EXPECT_THAT(warnings({{"OTEL_LOGS_EXPORTER", "console"}}), ElementsAre(HasSubstr("otlp and none")));
  EXPECT_THAT(warnings({{"TRACEPARENT", "01-no"}}), ElementsAre(HasSubstr("TRACEPARENT")));
}

TEST_F(Settings, HeadersAreSecrets) {
  config_.endpoint = "http://c:4318";
  config_.headers = {{"authorization", "Bearer ${COLLECTOR_KEY}"}, {"x-unset", "${NOT_SET}"}};
  const TelemetrySettings settings = read({{"COLLECTOR_KEY", "cAn4ry-key-of-the-collector"}});
  EXPECT_EQ(settings.route(Signal::kTraces).headers.get("authorization"), "Bearer cAn4ry-key-of-the-collector");
  EXPECT_EQ(masking_.text("it says cAn4ry-key-of-the-collector"), "it says ***MASKED***");
  EXPECT_FALSE(settings.route(Signal::kTraces).headers.has("x-unset"));
  EXPECT_THAT(settings.warnings, testing::Contains(HasSubstr("NOT_SET")));
}

TEST_F(Settings, TheTraceThatOsirisWasStartedInGoesOn) {
  config_.endpoint = "http://c:4318";
  const TelemetrySettings settings =
      read({{"TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"TRACESTATE", "a=1,b=2"}});
  ASSERT_TRUE(settings.parent);
  EXPECT_EQ(settings.parent->span_id, "b7ad6b7169203331");
  EXPECT_EQ(settings.tracestate, "a=1,b=2");
}

}  // namespace
}  // namespace osiris
