// Pages, columns and state of PostHog's rows, from a stand-in that does what its queries say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drivers/posthog.extractor/stand_in.h"
#include "worker/drivers/posthog.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Posthog : public testing::Test {
 protected:
  // The ids that a run takes, or its error.
  std::string take(std::vector<Json::Member> more = {}) {
    StepHarness step("hits");
    ask_posthog(step, server_, std::move(more));
    step.set_previous_state(state_);
    const auto outcome = step.run(posthog_extractor());
    if (!outcome.ok()) return outcome.error().message + "\n" + outcome.error().hint;
    if (!step.new_state().is_null()) state_ = step.new_state();
    columns_ = step.output_columns();
    return step.query("SELECT coalesce(string_agg(uuid, ' ' ORDER BY uuid), '') FROM {out}");
  }

  PosthogStandIn server_;
  Json state_;
  std::string columns_;
};

TEST_F(Posthog, MembersOfPropertiesAreColumns) {
  server_.put(
      {"2024-01-02 10:00:00.5", "a", "view", R"({"$browser":"Firefox","width":800,"tags":["x"],"plan":{"k":1}})"});
  EXPECT_EQ(take(), "a\n");
  EXPECT_EQ(columns_,
            "uuid VARCHAR, event VARCHAR, timestamp VARCHAR, distinct_id VARCHAR, person_id VARCHAR, "
            "properties_$browser VARCHAR, properties_width BIGINT, properties_tags JSON, properties_plan JSON");
}

TEST_F(Posthog, PagesMeetInASharedMomentWithoutLossOrRepetition) {
  for (int n = 0; n < 350; ++n)
    server_.put({"2024-01-02 10:00:0" + std::to_string(n / 300) + ".123456", "id-" + std::to_string(1000 + n), "view"});
  StepHarness step("hits");
  ask_posthog(step, server_);
  ASSERT_TRUE(step.run(posthog_extractor()).ok());
  EXPECT_EQ(step.query("SELECT count(*), count(DISTINCT uuid) FROM {out}"), "350|350\n");
  EXPECT_EQ(server_.queries().size(), 4u);
  EXPECT_THAT(server_.queries()[1], HasSubstr("timestamp = toDateTime64('2024-01-02 10:00:00.123456', 6, 'UTC') AND "
                                              "toString(uuid) > 'id-1099'"));
}

TEST_F(Posthog, TheNextRunTakesWhatIsNewAndWhatCameLate) {
  server_.put({"2024-01-02 10:00:00", "a", "view"});
  server_.put({"2024-01-02 10:20:00", "b", "view"});
  EXPECT_EQ(take(), "a b\n");
  EXPECT_EQ(state_["value"].as_string(), "2024-01-02 10:20:00.000000");
  EXPECT_EQ(take(), "\n");
  server_.put({"2024-01-02 10:20:00", "c", "view"});
  server_.put({"2024-01-02 10:06:00", "late", "view"});
  server_.put({"2024-01-02 10:04:00", "too late", "view"});
  server_.put({"2024-01-02 10:30:00", "d", "view"});
  EXPECT_EQ(take(), "c d late\n");
  EXPECT_EQ(take(), "\n");
  EXPECT_EQ(take({{"deduplication_enabled", false}}), "b c d\n") << "the window again";
}

TEST_F(Posthog, MoreIdsThanAStateHoldsShortenTheWindow) {
  for (int n = 0; n < 12'000; ++n)
    server_.put({"2024-01-02 10:00:" + std::to_string(10 + n / 1000) + ".000000", std::to_string(100'000 + n), "view"});
  StepHarness first("hits");
  ask_posthog(first, server_, {{"page_size", 10'000}});
  ASSERT_TRUE(first.run(posthog_extractor()).ok());
  state_ = first.new_state();
  EXPECT_LE(state_["taken"].size(), 5'000u);
  EXPECT_LT(state_.dump().size(), kStateBytesMax);
  EXPECT_EQ(take({{"page_size", 10'000}}), "\n");
  server_.put({"2024-01-02 10:00:21", "new", "view"});
  EXPECT_EQ(take({{"page_size", 10'000}}), "new\n");
}

TEST_F(Posthog, EventTypesAreQuoted) {
  server_.put({"2024-01-02 10:00:00", "a", "it\\'s"});
  server_.put({"2024-01-02 10:00:00", "b", "other"});
  EXPECT_EQ(take({{"event_types", Json::array({"it's"})}}), "a\n");
  EXPECT_THAT(server_.queries()[0], HasSubstr("event IN ('it\\'s')"));
  EXPECT_THAT(take({{"data_type", "persons"}, {"event_types", Json::array({"x"})}}),
              HasSubstr("'event_types' belongs to data_type events"));
}

TEST_F(Posthog, FaultsHaveOneBeginning) {
  EXPECT_THAT(take({{"data_type", "cohorts"}}),
              HasSubstr("Extraction failed: Invalid data_type: cohorts. Valid options: events, persons, sessions"));
  EXPECT_THAT(take({{"page_size", 5}}), HasSubstr("Extraction failed: page_size must be 100-10000, got 5"));
  EXPECT_THAT(take({{"initial_since", "yesterday"}}), HasSubstr("initial_since 'yesterday' is no time"));
  state_ = Json::object({{"seen", 1}});
  EXPECT_THAT(take(), HasSubstr("the kept state has no time as its value"));
  state_ = Json();
  for (
      const auto& [answer, error] : std::vector<std::pair<osiris::test::ApiAnswer, std::string>>{
          {{R"({"error":"memory limit"})"}, "PostHog refused the query: \"memory limit\""},
          {{R"({"results":[]})"}, "the answer has no results with their columns"},
          {{R"({"columns":["uuid"],"results":[["a"]]})"}, "the answer has no column 'timestamp'"},
          {{R"({"columns":["uuid","timestamp"],"results":[["a"]]})"}, "a row of the answer has 1 values for 2 columns"},
          {{R"({"columns":["uuid","timestamp"],"results":[["a","soon"]]})"}, "row 1 has no time in column 'timestamp'"},
          {{R"({"columns":["uuid","timestamp"],"results":[["b","2024-01-02T00:00:00Z"],["a","2024-01-02T00:00:00Z"]]})"},
           "PostHog's rows are not in the order that was asked for"},
          {{R"({"detail":"Invalid key"})", 401}, "Extraction failed: "}}) {
    server_.answer_with(answer);
    EXPECT_THAT(take(), AllOf(HasSubstr("Extraction failed: "), HasSubstr(error)));
  }
}

TEST_F(Posthog, AConnectionNamesItsServer) {
  StepHarness step("hits");
  ask_posthog(step, server_);
  EXPECT_TRUE(step.check(posthog_extractor()).ok());
  step.set_connection("posthog", "shop", Json::object({{"api_key", "k"}}));
  EXPECT_EQ(step.check(posthog_extractor()).error().message, "Missing api_key or project_id in resolved_connection");
  step.set_connection("posthog", "shop",
                      Json::object({{"api_key", "k"}, {"project_id", "7"}, {"region", "self_hosted"}}));
  EXPECT_THAT(step.check(posthog_extractor()).error().message, HasSubstr("there is no custom_base_url"));
}

}  // namespace
}  // namespace osiris::worker::test
