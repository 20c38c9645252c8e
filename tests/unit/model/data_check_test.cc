#include "protocol/model/data_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/model/plan.h"

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kDocuments[] = {
    R"({"name":"a","type":"not_null","columns":["id","name"]})",
    R"({"name":"b","type":"unique","severity":"warn","store_failures":true,"columns":["id"]})",
    R"({"name":"c","type":"accepted_values","columns":["s"],"values":["x",1,2.5,true]})",
    R"({"name":"d","type":"relationships","columns":["c"],"to":{"step":"customers","column":"id"}})",
    R"({"name":"e","type":"row_count","min":1,"max":5})",
    R"({"name":"f","type":"freshness","columns":["t"],"max_age_s":60.0})",
    R"({"name":"g","type":"range","columns":["n"],"max":"2025-01-01"})",
    R"({"name":"h","type":"pattern","columns":["n"],"pattern":"^a"})",
    R"({"name":"i","type":"sql","sql":"SELECT 1"})"};

TEST(DataCheck, SurvivesItsDocument) {
  for (const char* document : kDocuments) {
    const auto check = data_check_from_json(*parse_json(document));
    ASSERT_TRUE(check.ok()) << document << check.error().message;
    EXPECT_EQ(to_json(*check).dump(), document);
  }
  EXPECT_EQ(std::size(kDocuments), check_kind_names().size());
}

TEST(DataCheck, RefusesWhatCannotBeRun) {
  for (const char* document :
       {"[]", "{}", R"({"name":"a","type":"not_nul","columns":["id"]})", R"({"type":"not_null","columns":["id"]})",
        R"({"name":"a","type":"not_null"})", R"({"name":"a","type":"not_null","columns":[1]})",
        R"({"name":"a","type":"range","columns":["a","b"],"min":1})", R"({"name":"a","type":"range","columns":["a"]})",
        R"({"name":"a","type":"row_count","min":-1})", R"({"name":"a","type":"row_count","min":"1"})",
        R"({"name":"a","type":"row_count","min":1,"store_failures":true})",
        R"({"name":"a","type":"accepted_values","columns":["a"]})",
        R"({"name":"a","type":"accepted_values","columns":["a"],"values":[[]]})",
        R"({"name":"a","type":"relationships","columns":["a"],"to":{"step":"b"}})",
        R"({"name":"a","type":"freshness","columns":["a"]})", R"({"name":"a","type":"sql"})",
        R"({"name":"a","type":"sql","sql":"SELECT 1","severity":"fatal"})"})
    EXPECT_FALSE(data_check_from_json(*parse_json(document)).ok()) << document;
}

PlanStep step_with(std::string_view needs, std::string_view inputs, std::string_view to) {
  const auto step = plan_step_from_json(*parse_json(
      R"({"id":"orders","driver":"d","needs":)" + std::string(needs) + R"(,"inputs":)" + std::string(inputs) +
      R"(,"checks":[{"name":"r","type":"relationships","columns":["c"],"to":{"step":")" + std::string(to) +
      R"(","column":"id"}}]})"));
  EXPECT_TRUE(step.ok());
  return step.ok() ? *step : PlanStep();
}

TEST(DataCheck, WhatOnlyItReadsIsNoInput) {
  const PlanStep step = step_with(R"(["customers"])", "{}", "customers");
  EXPECT_THAT(step.inputs, IsEmpty());
  EXPECT_THAT(sources_of_checks(step), ElementsAre("customers"));
  EXPECT_THAT(sources_of_checks(step_with(R"(["raw"])", R"({"df_raw":{"from_step":"raw"}})", "raw")), IsEmpty());
  EXPECT_THAT(sources_of_checks(step_with("[]", "{}", "orders")), IsEmpty());
  EXPECT_EQ(to_json(*plan_step_from_json(to_json(step))).dump(), to_json(step).dump());
}

TEST(DataCheck, ItsSourceIsAmongTheNeeds) {
  const auto step = plan_step_from_json(*parse_json(
      R"({"id":"o","driver":"d","checks":[{"name":"r","type":"relationships","columns":["c"],"to":{"step":"x","column":"id"}}]})"));
  ASSERT_FALSE(step.ok());
  EXPECT_THAT(step.error().message, HasSubstr("not among its needs"));
}

}  // namespace
}  // namespace osiris
