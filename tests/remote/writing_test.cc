// The writers of files on paths of s3://: the same bytes as a file here, visible when they are all there and not
// before, and nothing left of what fails.
#include <gtest/gtest.h>

#include "protocol/base/sha256.h"
#include "tests/remote/write_step.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"
#include "worker/drivers/remote/upload.h"

namespace osiris::worker::test {
namespace {

// About 20 MB as CSV: three parts.
constexpr char kMany[] = "SELECT i AS id, hash(i) AS a, hash(i + 1) AS b FROM range(420000) t(i)";

// What a writer makes of the rows in a file here.
std::string local_bytes(const ObjectServer& server, const Driver& driver, const std::string& name,
                        const std::string& select) {
  Write here(server, name, select);
  const auto done = here.run(driver);
  EXPECT_TRUE(done.ok()) << done.error().message;
  return here.read_file(name);
}

const std::string& many_rows() {
  static const std::string bytes = [] {
    const ObjectServer server;
    return local_bytes(server, filesystem_csv_writer(), "many.csv", kMany);
  }();
  return bytes;
}

TEST(RemoteWriter, GivesTheBytesOfAFileHere) {
  for (const auto& [driver, name] : {std::pair(&filesystem_csv_writer(), "a b/rows.csv"),
                                     {&filesystem_csv_writer(), "rows.csv.gz"},
                                     {&filesystem_json_writer(), "rows.ndjson"},
                                     {&filesystem_json_writer(), "rows.json.zst"},
                                     {&filesystem_parquet_writer(), "rows.parquet"}}) {
    ObjectServer store(signed_options());
    Write step(store, std::string("s3://lake/") + name, kFew);
    const auto done = step.run(*driver);
    ASSERT_TRUE(done.ok()) << name << done.error().message;
    EXPECT_EQ(done->rows_written, 3u);
    EXPECT_EQ(store.object(std::string("lake/") + name), local_bytes(store, *driver, name, kFew)) << name;
    EXPECT_EQ(store.requests().size(), 1u) << "one PUT, whose answer says all";
    EXPECT_TRUE(step.outputs().empty());
    EXPECT_TRUE(step.files_in().empty());
    ASSERT_EQ(step.events().size(), 1u);
    EXPECT_EQ(step.events()[0].name, "object_written");
    EXPECT_EQ(step.events()[0].fields["path"].as_string(), std::string("s3://lake/") + name);
    EXPECT_EQ(step.everything_said().find("canary"), std::string::npos);
  }
}

TEST(RemoteWriter, ShowsNothingBeforeAllIsThere) {
  ObjectServer store(signed_options());
  store.put("lake/many.csv", "old");
  store.on_request([&](const ObjectRequest&, size_t) -> std::optional<ObjectFault> {
    EXPECT_EQ(store.object("lake/many.csv"), "old");
    return std::nullopt;
  });
  Write step(store, "s3://lake/many.csv", kMany);
  const auto done = step.run(filesystem_csv_writer());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(sha256_hex(store.object("lake/many.csv").value_or("")), sha256_hex(many_rows()));
  EXPECT_EQ(step.events().back().fields["parts"].as_int(), 3);
  EXPECT_EQ(step.events().back().fields["size_bytes"].as_uint(), many_rows().size());
  EXPECT_EQ(step.byte_reports().back(), std::pair(many_rows().size(), many_rows().size()));
  EXPECT_EQ(store.unfinished_uploads(), 0u);
}

TEST(RemoteWriter, SendsAgainWhatPasses) {
  const std::vector<ObjectFault> faults = {{Kind::kAnswer, 500},
                                           {Kind::kAnswer, 503, xml_error("SlowDown", "no"), "Retry-After: 0\r\n"},
                                           {Kind::kAnswer, 429, "", "Retry-After: 0\r\n"},
                                           {Kind::kAnswer, 400, xml_error("RequestTimeout", "slow")},
                                           {Kind::kAnswer, 200, xml_error("InternalError", "late")},
                                           {Kind::kCutBefore},
                                           {Kind::kCutAfter},
                                           {Kind::kDamage}};
  for (const char* call : {"PUT", "POST uploads", "PUT part", "POST upload"})
    for (size_t i = 0; i < faults.size(); ++i) {
      ObjectServer store(signed_options());
      store.on_request(in(call, faults[i], 1));
      const bool is_small = std::string(call) == "PUT";
      Write step(store, "s3://lake/x.csv", is_small ? kFew : kMany);
      const auto done = step.run(filesystem_csv_writer());
      ASSERT_TRUE(done.ok()) << call << " fault " << i << ": " << done.error().message;
      if (!is_small) {
        EXPECT_EQ(store.object("lake/x.csv").value_or("").size(), many_rows().size());
      }
      // An upload whose id was lost cannot be ended by a step that never knew it.
      const bool lost_id = std::string(call) == "POST uploads" && faults[i].kind == Kind::kCutAfter;
      EXPECT_EQ(store.unfinished_uploads(), lost_id ? 1u : 0u) << call << " fault " << i;
    }
}

TEST(RemoteWriter, LeavesNothingWhereAFaultLasts) {
  const std::vector<std::pair<ObjectFault, std::string>> faults = {
      {{Kind::kAnswer, 403, xml_error("AccessDenied", "no")}, "write.permission_denied"},
      {{Kind::kAnswer, 404, xml_error("NoSuchBucket", "none")}, "write.path_not_found"},
      {{Kind::kAnswer, 400, xml_error("InvalidRequest", "what")}, "write.failed"},
      {{Kind::kAnswer, 503, xml_error("SlowDown", "no"), "Retry-After: 0\r\n"}, "connection.failed"},
      {{Kind::kCutBefore}, "connection.failed"}};
  for (const char* call : {"PUT", "POST uploads", "PUT part", "POST upload"})
    for (const auto& [fault, category] : faults) {
      if (fault.kind == Kind::kCutBefore && std::string(call) != "PUT part") continue;  // its retries take seconds
      ObjectServer store(signed_options());
      store.put("lake/x.csv", "old");
      store.on_request(in(call, fault, 1000));
      Write step(store, "s3://lake/x.csv", std::string(call) == "PUT" ? kFew : kMany);
      const Error error = step.error(filesystem_csv_writer());
      EXPECT_EQ(error.category, category) << call << error.message;
      EXPECT_NE(error.message.find("s3://lake/x.csv"), std::string::npos) << error.message;
      EXPECT_EQ(store.object("lake/x.csv"), "old") << call;
      EXPECT_EQ(store.unfinished_uploads(), 0u) << call;
      EXPECT_EQ(step.everything_said().find("canary"), std::string::npos);
    }
}

TEST(RemoteWriter, NamesAnUploadThatCouldNotBeAborted) {
  ObjectServer store(signed_options());
  store.on_request([](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (call_of(request) == "PUT part" || call_of(request) == "DELETE upload") return ObjectFault{Kind::kAnswer, 403};
    return std::nullopt;
  });
  const Error error = Write(store, "s3://lake/x.csv", kMany).error(filesystem_csv_writer());
  EXPECT_NE(error.message.find("its unfinished upload upload-1 could not be aborted"), std::string::npos)
      << error.message;
}

TEST(RemoteWriter, AbortsWhatIsCancelled) {
  for (const char* call : {"POST uploads", "PUT part"}) {
    ObjectServer store(signed_options());
    Write step(store, "s3://lake/x.csv", kMany);
    store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
      if (call_of(request) == call) step.cancel();
      return std::nullopt;
    });
    EXPECT_EQ(step.error(filesystem_csv_writer()).code, Code::kCancelled);
    EXPECT_EQ(store.object("lake/x.csv"), std::nullopt);
    // An answer that was on its way names an upload that the step never heard of.
    if (std::string(call) == "PUT part") {
      EXPECT_EQ(store.unfinished_uploads(), 0u);
    }
  }
}

TEST(RemoteWriter, ComparesWhatTheServiceHolds) {
  ObjectServerOptions options = signed_options();
  options.checks_digests = false;
  for (const char* select : {kFew, kMany}) {
    ObjectServer store(options);
    store.on_request(in(select == kFew ? "PUT" : "PUT part", {Kind::kDamage}, 1000));
    const Error error = Write(store, "s3://lake/x.csv", select).error(filesystem_csv_writer());
    EXPECT_NE(error.message.find("the server holds other bytes than were sent"), std::string::npos) << error.message;
    EXPECT_EQ(store.unfinished_uploads(), 0u);
  }
  options.encrypts_with_keys_of_its_own = true;
  for (const char* select : {kFew, kMany}) {
    ObjectServer store(options);
    Write step(store, "s3://lake/x.csv", select);
    const auto done = step.run(filesystem_csv_writer());
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(store.requests().back().method, "HEAD") << "their number is what there is to compare";
  }
}

TEST(RemoteWriter, AsksWhatIsThereWhereTheLastAnswerWasLost) {
  for (const char* select : {kFew, kMany}) {
    const std::string last = select == kFew ? "PUT" : "POST upload";
    ObjectServer store(signed_options());
    store.on_request(in(last, {Kind::kCutAfter}, 1000));
    Write step(store, "s3://lake/x.csv", select);
    const auto done = step.run(filesystem_csv_writer());
    ASSERT_TRUE(done.ok()) << done.error().message;
    store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
      if (call_of(request) == last) return ObjectFault{Kind::kCutAfter};
      if (request.method == "HEAD") return ObjectFault{Kind::kCutBefore};
      return std::nullopt;
    });
    const Error error = Write(store, "s3://lake/x.csv", select).error(filesystem_csv_writer());
    EXPECT_TRUE(error.message.starts_with("outcome unknown: ")) << error.message;
  }
}

TEST(RemoteWriter, SendsNothingOfRowsThatFail) {
  ObjectServer store(signed_options());
  Write step(store, "s3://lake/x.csv", "SELECT chr(228) AS name", {{"encoding", "ascii"}});
  EXPECT_FALSE(step.run(filesystem_csv_writer()).ok());
  EXPECT_TRUE(store.requests().empty());
}

TEST(RemoteWriter, RefusesWhatItCannotDo) {
  ObjectServer store(signed_options());
  Write web(store, store.url("/a.csv"), kFew);
  EXPECT_NE(web.error(filesystem_csv_writer()).message.find("of addresses only s3:// is"), std::string::npos);
  Write directory(store, "s3://lake/orders/", kFew);
  EXPECT_NE(directory.error(filesystem_csv_writer()).message.find("names a directory"), std::string::npos);
  Write stranger(store, "s3://lake/x.csv", kFew);
  EXPECT_TRUE(stranger.check(filesystem_csv_writer()).ok());
  stranger.set_connection("filesystem", "lake", Json::object({{"endpoint", store.url()}}));
  EXPECT_FALSE(stranger.check(filesystem_csv_writer()).ok());
  EXPECT_NE(stranger.error(filesystem_csv_writer()).message.find("needs access_key_id"), std::string::npos);
  EXPECT_TRUE(store.requests().empty());
}

TEST(PartPlan, KeepsToWhatS3Takes) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, 8 * kMiB, 8 * kMiB + 1, 80'000 * kMiB, 80'000 * kMiB + 1,
                               (uint64_t{5} << 40) - 1, uint64_t{5} << 40}) {
    const auto plan = remote::plan_parts(bytes);
    ASSERT_TRUE(plan.ok()) << bytes;
    EXPECT_GE(plan->part_bytes * plan->parts, bytes);
    EXPECT_LE(plan->parts, 10'000u) << bytes;
    EXPECT_GE(plan->part_bytes, 5 * kMiB);
    EXPECT_GE(plan->at_once, 1u);
  }
  EXPECT_EQ(remote::plan_parts(8 * kMiB)->parts, 1u);
  EXPECT_EQ(remote::plan_parts(8 * kMiB + 1)->parts, 2u);
  EXPECT_FALSE(remote::plan_parts((uint64_t{5} << 40) + 1).ok());
}

}  // namespace
}  // namespace osiris::worker::test
