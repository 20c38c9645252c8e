// Real taps from PyPI over files: what they discover, send and keep, as the extractor takes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>

#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "tests/drivers/harness.h"
#include "worker/drivers/singer.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class RealTaps : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    SpawnOptions spawn;
    spawn.arguments = {std::string(::getenv("OSIRIS_SOURCE_DIR")) + "/tests/singer/make_taps.sh"};
    for (const char* name : {"PATH", "HOME", "OSIRIS_CACHE_DIR", "PIP_INDEX_URL", "PIP_CERT", "HTTPS_PROXY",
                             "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"})
      if (const char* value = ::getenv(name)) spawn.environment.emplace_back(name, value);
    const auto made = run_command(std::move(spawn), 500'000);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_TRUE(made->exit.success()) << made->standard_error;
    taps_ = std::string(trim(made->standard_output));
  }

  // A step that reads `stream` of this tap; the state of the run before is given to it.
  std::string take(const std::string& tap, const std::string& stream, Json config, std::vector<std::string> select) {
    StepHarness step("pull");
    step.set_setting("supervisor", std::string(::getenv("OSIRIS_BUILD_DIR")) + "/lib/osiris/osiris-worker");
    Json columns = Json::array();
    for (const std::string& column : select) columns.push_back(column);
    step.set_config({{"tap", taps_ + "/bin/" + tap},
                     {"stream", stream},
                     {"config", std::move(config)},
                     {"select", std::move(columns)}});
    step.set_previous_state(state_);
    const auto begun = std::chrono::steady_clock::now();
    const auto outcome = step.run(singer_extractor());
    if (!outcome.ok()) return outcome.error().message + "\n" + outcome.error().hint;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    if (outcome->rows_read > 1000)
      std::printf("%s: %llu records in %.2f s\n", tap.c_str(), static_cast<unsigned long long>(outcome->rows_read),
                  seconds);
    if (!step.new_state().is_null()) state_ = step.new_state();
    columns_ = step.output_columns();
    return step.query("SELECT COLUMNS(*)::VARCHAR FROM {out} ORDER BY 1 LIMIT 5");
  }

  static std::string taps_;
  StepHarness files_;
  Json state_;
  std::string columns_;
};
std::string RealTaps::taps_;

TEST_F(RealTaps, TapJsonl) {
  const auto file = files_.write_file(
      "a.jsonl",
      "{\"id\": 1, \"name\": \"Ann\", \"at\": \"2024-01-01T00:00:00Z\"}\n{\"id\": 2, \"name\": \"B\\u00f6\"}\n");
  const Json config = Json::object({{"path", file.string()}});
  EXPECT_EQ(take("tap-jsonl", "jsonl", config, {"id", "name", "at"}), "1|Ann|2024-01-01 00:00:00+00\n2|Bö|NULL\n");
  EXPECT_EQ(columns_, "id BIGINT, name VARCHAR, at TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(state_["bookmarks"]["jsonl"]["replication_key"].as_string(), "_sdc_last_modified");
  EXPECT_THAT(take("tap-jsonl", "json", config, {}), HasSubstr("the tap has no stream 'json'\ndid you mean 'jsonl'?"));
}

TEST_F(RealTaps, TapJsonfile) {
  const auto file = files_.write_file("a.json", R"([{"id": 1, "name": "Ann"}, {"id": 2, "name": null}])");
  EXPECT_EQ(take("tap-jsonfile", "records", Json::object({{"paths", Json::array({file.string()})}}), {"id", "name"}),
            "1|Ann\n2|NULL\n");
  EXPECT_EQ(columns_, "id BIGINT, name VARCHAR");
}

TEST_F(RealTaps, TapDbf) {
  const auto file = files_.write_file(
      "people.dbf",
      *base64_decode(
          "A3wBAQIAAAChACEAAAAAAAAAAAAAAAAAAAAAAAAAAABJRAAAAAAAAAAAAE4AAAAABgAAAAAAAAAAAAAAAAAAAE5BTUUAAAAAAAA"
          "AQwAAAAAKAAAAAAAAAAAAAAAAAAAAUFJJQ0UAAAAAAABOAAAAAAgCAAAAAAAAAAAAAAAAAABEQVkAAAAAAAAAAEQAAAAACAAAAA"
          "AAAAAAAAAAAAAAAA0gICAgICAxQW5uICAgICAgICAgICAxLjI1MjAyNDAyMjkgICAgICAyQm8gICAgICAgICAgIDEwLjUwMjAyNDA"
          "zMDEa"));
  EXPECT_EQ(take("tap-dbf", "people", Json::object({{"path", file.string()}}), {"ID", "NAME", "PRICE", "DAY"}),
            "1|Ann|1.25|2024-02-29 00:00:00+00\n2|Bo|10.5|2024-03-01 00:00:00+00\n");
}

TEST_F(RealTaps, ARealTapsRateIsPrinted) {
  std::string lines;
  for (int n = 0; n < 20'000; ++n)
    lines += "{\"id\": " + std::to_string(n) + ", \"name\": \"name " + std::to_string(n) + "\", \"price\": 0.5}\n";
  const auto file = files_.write_file("many.jsonl", lines);
  EXPECT_EQ(take("tap-jsonl", "jsonl", Json::object({{"path", file.string()}}), {"id", "price"}),
            "0|0.5\n1|0.5\n10|0.5\n100|0.5\n1000|0.5\n");
}

}  // namespace
}  // namespace osiris::worker::test
