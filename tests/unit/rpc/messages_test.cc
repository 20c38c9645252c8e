#include "protocol/rpc/messages.h"

#include <gtest/gtest.h>

namespace osiris::rpc {
namespace {

Result<Record> read(const char* text) { return record_from_json(*parse_json(text)); }
// A record survives the way over the wire: what is written is what the documentation draws.
void expect_round_trip(const char* text) {
  const auto record = read(text);
  ASSERT_TRUE(record.ok()) << text << ": " << record.error().message;
  EXPECT_EQ(to_json(*record).dump(), text);
}

TEST(Request, IsReadAndWrittenInTheSeedsShape) {
  const char* text = R"({"id":"req_123","method":"execute_step","params":{"step_id":"extract_data"}})";
  const auto request = request_from_json(*parse_json(text));
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->method, "execute_step");
  EXPECT_EQ(to_json(*request).dump(), text);
}

TEST(Request, MissingParamsAreEmpty) {
  const auto request = request_from_json(*parse_json(R"({"id":"1","method":"ping"})"));
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->params.is_object());
}

TEST(Request, WithoutIdOrMethodOrWithWrongParamsIsRefused) {
  for (const char* text : {R"({"method":"ping"})", R"({"id":"1"})", R"({"id":1,"method":"ping"})",
                           R"({"id":"1","method":"ping","params":[]})", R"({"id":"","method":"ping"})"})
    EXPECT_FALSE(request_from_json(*parse_json(text)).ok()) << text;
}

TEST(Record, EveryKindSurvivesTheWire) {
  expect_round_trip(
      R"({"type":"hello","protocol":1,"version":"0.1.0","pid":7,"specs_sha256":"ab","drivers":["mock"]})");
  expect_round_trip(R"({"id":"req_1","seq":3,"time_ns":5,"result":{"status":"success"}})");
  expect_round_trip(R"({"id":"req_1","result":{"status":"pong"}})");
  expect_round_trip(
      R"({"id":"req_1","seq":3,"time_ns":5,"error":{"code":"step_failed","message":"m","hint":"h","category":"c","data":{"skipped":true}}})");
  expect_round_trip(R"({"type":"event","seq":4,"time_ns":5,"data":{"event":"step_complete","step_id":"a"}})");
  expect_round_trip(R"({"type":"metric","seq":5,"time_ns":5,"data":{"metric":"rows_read","value":3,"unit":"rows"}})");
  expect_round_trip(
      R"({"type":"heartbeat","time_ns":5,"data":{"last_seq":4,"rss_bytes":1,"cpu_ms":2,"spill_bytes":3,"steps":[{"step_id":"a","rows":9,"elapsed_ms":1}]}})");
  expect_round_trip(
      R"({"type":"heartbeat","time_ns":5,"data":{"last_seq":4,"rss_bytes":1,"cpu_ms":2,"spill_bytes":3,"steps":[{"step_id":"a","rows":9,"elapsed_ms":1,"bytes":7,"rows_total":10,"bytes_total":8}]}})");
  expect_round_trip(R"({"type":"fatal","error":{"code":"internal","message":"m","hint":"","category":""}})");
}

TEST(Record, MalformedOnesAreRefused) {
  for (const char* text :
       {R"({})", R"({"type":"dance"})", R"({"id":"1"})", R"({"id":"1","result":{},"error":{}})",
        R"({"type":"event","data":{"event":"x"}})", R"({"type":"event","seq":0,"data":{"event":"x"}})",
        R"({"type":"event","seq":-1,"data":{"event":"x"}})", R"({"type":"event","seq":1,"data":{}})",
        R"({"type":"event","seq":"1","data":{"event":"x"}})", R"({"type":"hello"})",
        R"({"type":"metric","seq":1,"data":{"metric":"m","value":"3"}})",
        R"({"type":"metric","seq":1,"data":{"value":3}})"})
    EXPECT_FALSE(read(text).ok()) << text;
}

TEST(Record, UnknownKeysAreIgnored) {
  EXPECT_TRUE(read(R"({"type":"event","seq":1,"time_ns":1,"data":{"event":"x"},"shard":2})").ok());
}

TEST(ErrorOnTheWire, CarriesCodeMessageHintCategoryAndData) {
  Error error(Code::kExhausted, "disk full", "free some", "write.disk_full");
  error.detail = Json::object({{"path", "/x"}});
  const Error back = error_from_json(error_to_json(error));
  EXPECT_EQ(back.code, Code::kExhausted);
  EXPECT_EQ(back.message, "disk full");
  EXPECT_EQ(back.hint, "free some");
  EXPECT_EQ(back.category, "write.disk_full");
  EXPECT_EQ(back.detail, error.detail);
}

TEST(ErrorOnTheWire, WhatIsNoneIsReportedAsABugOfTheWorker) {
  for (const char* text : {"null", "{}", "[]", R"({"code":"not_found"})", R"({"message":"m"})", R"("text")"}) {
    const Error error = error_from_json(*parse_json(text));
    EXPECT_EQ(error.code, Code::kInternal) << text;
    EXPECT_EQ(error.message, "the worker sent an error without code or message") << text;
  }
}

}  // namespace
}  // namespace osiris::rpc
