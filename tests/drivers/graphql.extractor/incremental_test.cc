// Runs after runs: what is sent as the query's variable, and what of the answer is taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drivers/graphql.extractor/api.h"
#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class GraphqlIncremental : public testing::Test {
 protected:
  // The ids that a run takes of this answer, or its error.
  std::string take(const std::string& list, std::initializer_list<Json::Member> more = {}) {
    const Api api(R"({"data":{"plants":)" + list + "}}");
    GraphqlStep step(api, more);
    Json config = step.config();
    config.set("query", "query($since: String) { plants(since: $since) { id at } }");
    config.set("incremental", incremental_);
    step.set_config(config);
    step.set_previous_state(state_);
    const auto outcome = step.run(graphql_extractor());
    if (!outcome.ok()) return outcome.error().message;
    sent_ = api.requests().back().body["variables"].dump();
    if (!step.new_state().is_null()) state_ = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }

  Json incremental_ = Json::object({{"column", "at"}, {"variable", "since"}, {"key", Json::array({"id"})}});
  Json state_;
  std::string sent_;
};

TEST_F(GraphqlIncremental, TheLastTextIsSentAndItsTiesAreTold) {
  incremental_.set("initial", "2024-01-01T00:00:00Z");
  EXPECT_EQ(take(R"([{"id":1,"at":"2024-01-02T00:00:00Z"},{"id":2,"at":"2023-01-02T00:00:00Z"}])"), "1\n")
      << "rows below the value are dropped, whatever the server makes of it";
  EXPECT_EQ(sent_, R"({"since":"2024-01-01T00:00:00Z"})");
  EXPECT_EQ(take(R"([{"id":1,"at":"2024-01-02T00:00:00Z"},{"id":3,"at":"2024-01-02T00:00:00Z"}])"), "3\n");
  EXPECT_EQ(sent_, R"({"since":"2024-01-02T00:00:00Z"})");
  EXPECT_EQ(state_["taken"].size(), 2u);
  EXPECT_EQ(take("[]"), "\n");
  EXPECT_EQ(state_["taken"].size(), 2u);
}

TEST_F(GraphqlIncremental, NumbersStayNumbers) {
  EXPECT_EQ(take(R"([{"id":1,"at":9007199254740993}])"), "1\n");
  EXPECT_EQ(sent_, "{}");
  EXPECT_EQ(take(R"([{"id":1,"at":9007199254740993},{"id":2,"at":9007199254740994}])"), "2\n");
  EXPECT_EQ(sent_, R"({"since":9007199254740993})");
}

TEST_F(GraphqlIncremental, WhatWouldLoseRowsIsRefused) {
  EXPECT_THAT(take("[]", {{"max_pages", 1}}), HasSubstr("'max_pages' cannot be used with 'incremental'"));
  EXPECT_THAT(take(R"([{"id":1,"at":null},{"id":2,"at":1}])"), HasSubstr("have NULL in column 'at'"));
  EXPECT_THAT(take(R"([{"id":1,"at":1.5}])"), HasSubstr("incremental needs"));
}

}  // namespace
}  // namespace osiris::worker::test
