// partition_by to s3://: a set of objects of which none is seen before all are sent, and what is left of one that
// fails.
#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>

#include "tests/remote/write_step.h"
#include "tests/support/eventually.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker::test {
namespace {

using testing::HasSubstr;

constexpr char kParted[] = "SELECT i AS id, i % 3 AS k, 'a/b' AS t FROM range(9) t(i)";

Json by(std::initializer_list<const char*> names) {
  Json columns = Json::array();
  for (const char* name : names) columns.push_back(name);
  return columns;
}

std::string object_of(int k) { return "lake/out/k=" + std::to_string(k) + "/data_0.parquet"; }

class WriteSet : public Write {
 public:
  explicit WriteSet(const ObjectServer& server, const std::string& select = kParted,
                    const std::string& path = "s3://lake/out")
      : Write(server, path, select, {{"partition_by", by({"k"})}}) {}
  std::string outcome() {
    const auto done = run(filesystem_parquet_writer());
    return done.ok() ? "ok " + std::to_string(done->rows_written) : done.error().message + "; " + done.error().hint;
  }
};

// What an earlier run left: two objects of the new set's names, and one that it does not have.
void put_old(ObjectServer& store) {
  for (const int k : {0, 1, 7}) store.put(object_of(k), "old");
}
bool is_old(const ObjectServer& store) {
  return store.object(object_of(0)) == "old" && store.object(object_of(1)) == "old" &&
         store.object(object_of(7)) == "old" && !store.object(object_of(2)) && store.unfinished_uploads() == 0;
}

TEST(RemoteSet, HasTheFilesOfADirectoryHere) {
  ObjectServer store(signed_options());
  Write step(store, "s3://lake/my sets/out/", kParted, {{"partition_by", by({"k", "t"})}});
  const auto done = step.run(filesystem_parquet_writer());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->rows_written, 9u);
  Write here(store, "out", kParted, {{"partition_by", by({"k", "t"})}});
  ASSERT_TRUE(here.run(filesystem_parquet_writer()).ok());
  for (const int k : {0, 1, 2}) {
    const std::string name = "/k=" + std::to_string(k) + "/t=a%2Fb/data_0.parquet";
    EXPECT_EQ(store.object("lake/my sets/out" + name), here.read_file("out" + name)) << name;
  }
  EXPECT_TRUE(step.outputs().empty());
  EXPECT_TRUE(step.files_in().empty());
  ASSERT_EQ(step.events().size(), 1u);
  EXPECT_EQ(step.events()[0].name, "objects_written");
  EXPECT_EQ(step.events()[0].fields["path"].as_string(), "s3://lake/my sets/out/");
  EXPECT_EQ(step.events()[0].fields["objects"].as_int(), 3);
  EXPECT_EQ(step.events()[0].fields["rows"].as_int(), 9);
  const auto [sent, all] = step.byte_reports().back();
  EXPECT_EQ(sent, all);
  EXPECT_GT(all, 0u);
  EXPECT_EQ(step.everything_said().find("canary"), std::string::npos);
}

TEST(RemoteSet, IsReadWithItsColumns) {
  ObjectServer store(signed_options());
  ASSERT_EQ(WriteSet(store).outcome(), "ok 9");
  Write read(store, "s3://lake/out/*/*.parquet", kFew);
  const auto done = read.run(filesystem_parquet_extractor());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(read.query("SELECT k, count(*), sum(id) FROM {out} GROUP BY k ORDER BY k"), "0|3|9\n1|3|12\n2|3|15\n");
}

TEST(RemoteSet, MayBeOfJson) {
  ObjectServer store(signed_options());
  store.put("lake/out/k=7/data_0.ndjson.gz", "old");
  Write step(store, "s3://lake/out", kParted, {{"partition_by", by({"k"})}, {"columns", by({"id", "k"})}});
  const auto done = step.run(filesystem_json_writer());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(store.object("lake/out/k=1/data_0.ndjson"), "{\"id\":1}\n{\"id\":4}\n{\"id\":7}\n");
  EXPECT_FALSE(store.object("lake/out/k=7/data_0.ndjson.gz"));
  Write read(store, "s3://lake/out/*/*.ndjson", kFew);
  const auto back = read.run(filesystem_json_extractor());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(read.query("SELECT k, count(*), sum(id) FROM {out} GROUP BY k ORDER BY k"), "0|3|9\n1|3|12\n2|3|15\n");
}

TEST(RemoteSet, IsSeenWhenAllIsSentAndNotBefore) {
  ObjectServer store(signed_options());
  put_old(store);
  std::mutex mutex;
  std::vector<std::string> calls;
  store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    const std::lock_guard lock(mutex);
    const std::string call = call_of(request);
    if (call != "POST upload" && std::find(calls.begin(), calls.end(), "POST upload") == calls.end()) {
      EXPECT_EQ(store.object(object_of(0)), "old") << call;
      EXPECT_FALSE(store.object(object_of(2))) << call;
    }
    // Removed after the last one is there.
    if (call == "DELETE") {
      EXPECT_TRUE(store.object(object_of(0)) != "old" && store.object(object_of(1)) != "old" &&
                  store.object(object_of(2)));
    }
    calls.push_back(call);
    return std::nullopt;
  });
  WriteSet step(store);
  EXPECT_EQ(step.outcome(), "ok 9");
  const auto first = std::find(calls.begin(), calls.end(), "POST upload");
  EXPECT_EQ(std::count(calls.begin(), first, "PUT part"), 3) << "all of them are sent first";
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "PUT"), 0);
  EXPECT_FALSE(store.object(object_of(7))) << "the old set is replaced";
  EXPECT_EQ(step.events().back().fields["removed"].as_int(), 1);
  EXPECT_EQ(store.unfinished_uploads(), 0u);
}

TEST(RemoteSet, LeavesOtherObjectsAlone) {
  ObjectServer store(signed_options());
  for (const char* path : {"lake/out", "lake/out-old/k=1/a.parquet", "lake/outer.csv", "lake/out/"})
    store.put(path, "mine");
  EXPECT_EQ(WriteSet(store).outcome(), "ok 9");
  for (const char* path : {"lake/out", "lake/out-old/k=1/a.parquet", "lake/outer.csv", "lake/out/"})
    EXPECT_EQ(store.object(path), "mine") << path;
}

TEST(RemoteSet, ReplacesNothingButASet) {
  for (const char* other : {"readme.txt", "k=1/notes.txt", "2024/a.parquet", "a.parquet", "=1/a.parquet"}) {
    ObjectServer store(signed_options());
    store.put(std::string("lake/out/") + other, "mine");
    EXPECT_THAT(WriteSet(store).outcome(), HasSubstr(std::string("it holds ") + other)) << other;
    EXPECT_EQ(store.object(std::string("lake/out/") + other), "mine");
    for (const ObjectRequest& request : store.requests()) EXPECT_EQ(request.method, "GET");
  }
}

TEST(RemoteSet, LeavesTheOldOneWhereSendingFails) {
  for (const auto& [fault, category] :
       {std::pair(ObjectFault{Kind::kAnswer, 403, xml_error("AccessDenied", "no")}, "write.permission_denied"),
        {ObjectFault{Kind::kAnswer, 507, xml_error("Full", "no")}, "write.disk_full"},
        {ObjectFault{Kind::kAnswer, 503, xml_error("SlowDown", "no"), "Retry-After: 0\r\n"}, "connection.failed"}}) {
    ObjectServer store(signed_options());
    put_old(store);
    store.on_request([lasting = fault](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
      const bool is_of_last = request.path.find("k=2") != std::string::npos;
      return call_of(request) == "PUT part" && is_of_last ? std::optional(lasting) : std::nullopt;
    });
    WriteSet step(store);
    const Error error = step.error(filesystem_parquet_writer());
    EXPECT_EQ(error.category, category) << error.message;
    EXPECT_THAT(error.message, HasSubstr("s3://lake/out/k=2/data_0.parquet"));
    EXPECT_TRUE(is_old(store)) << error.message;
    EXPECT_EQ(step.everything_said().find("canary"), std::string::npos);
  }
}

TEST(RemoteSet, OfABucketThatIsNotThereIsAWritersError) {
  ObjectServer store(signed_options());
  for (const auto& [status, category] : {std::pair(404, "write.path_not_found"), {403, "write.permission_denied"}}) {
    store.on_request([status = status](const ObjectRequest&, size_t) { return ObjectFault{Kind::kAnswer, status}; });
    EXPECT_EQ(WriteSet(store).error(filesystem_parquet_writer()).category, category);
  }
}

TEST(RemoteSet, LeavesTheOldOneWhereItIsCancelled) {
  ObjectServer store(signed_options());
  put_old(store);
  WriteSet step(store);
  store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (call_of(request) == "PUT part") step.cancel();
    return std::nullopt;
  });
  EXPECT_EQ(step.error(filesystem_parquet_writer()).code, Code::kCancelled);
  // An answer that was on its way names an upload that the step never heard of.
  EXPECT_EQ(store.object(object_of(0)), "old");
  EXPECT_EQ(store.object(object_of(7)), "old");
  EXPECT_FALSE(store.object(object_of(2)));
}

TEST(RemoteSet, NamesUploadsThatCouldNotBeAborted) {
  ObjectServer store(signed_options());
  store.on_request([](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    const bool is_of_last = request.path.find("k=2") != std::string::npos;
    if (call_of(request) == "PUT part" && is_of_last) return ObjectFault{Kind::kAnswer, 403};
    if (call_of(request) == "DELETE upload") return ObjectFault{Kind::kAnswer, 403};
    return std::nullopt;
  });
  EXPECT_THAT(WriteSet(store).outcome(), HasSubstr("could not be aborted"));
}

TEST(RemoteSet, SaysHowFarItCameWhereCompletingFails) {
  ObjectServer store(signed_options());
  put_old(store);
  store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (call_of(request) != "POST upload" || request.path.find("k=2") == std::string::npos) return std::nullopt;
    // The last of them, whatever their order is.
    EXPECT_TRUE(osiris::test::eventually(
        [&] { return store.object(object_of(0)) != "old" && store.object(object_of(1)) != "old"; }));
    return ObjectFault{Kind::kAnswer, 403, xml_error("AccessDenied", "no")};
  });
  WriteSet step(store);
  const Error error = step.error(filesystem_parquet_writer());
  EXPECT_THAT(error.message, HasSubstr("s3://lake/out/k=2/data_0.parquet: the server answered 403"));
  EXPECT_THAT(error.message, HasSubstr("2 of the 3 objects of s3://lake/out/ are of this run"));
  EXPECT_FALSE(store.object(object_of(2)));
  EXPECT_EQ(store.object(object_of(7)), "old") << "nothing is removed of a set that is not whole";
  EXPECT_EQ(store.unfinished_uploads(), 0u);
  // A further run makes it whole.
  store.on_request(nullptr);
  EXPECT_EQ(WriteSet(store).outcome(), "ok 9");
  EXPECT_TRUE(store.object(object_of(2)));
  EXPECT_FALSE(store.object(object_of(7)));
}

TEST(RemoteSet, AsksWhatIsThereWhereAnAnswerWasLost) {
  ObjectServer store(signed_options());
  store.on_request(in("POST upload", {Kind::kCutAfter}, 1000));
  EXPECT_EQ(WriteSet(store).outcome(), "ok 9");
  for (const int k : {0, 1, 2}) EXPECT_TRUE(store.object(object_of(k)));
  EXPECT_EQ(store.unfinished_uploads(), 0u);
}

TEST(RemoteSet, SaysWhichOldObjectsCouldNotBeRemoved) {
  ObjectServer store(signed_options());
  put_old(store);
  store.on_request(in("DELETE", {Kind::kAnswer, 403, xml_error("AccessDenied", "no")}, 1000));
  const std::string said = WriteSet(store).outcome();
  EXPECT_THAT(said, HasSubstr("the new objects of s3://lake/out/ are all there, and 1 objects of the old ones"));
  EXPECT_THAT(said, HasSubstr("s3:DeleteObject"));
  for (const int k : {0, 1, 2}) EXPECT_NE(store.object(object_of(k)).value_or("old"), "old");
}

TEST(RemoteSet, IsCheckedWithoutAServer) {
  ObjectServer store(signed_options());
  WriteSet step(store);
  EXPECT_TRUE(step.check(filesystem_parquet_writer()).ok());
  step.set_connection("filesystem", "lake", Json::object({{"endpoint", store.url()}}));
  EXPECT_FALSE(step.check(filesystem_parquet_writer()).ok());
  EXPECT_THAT(step.outcome(), HasSubstr("needs access_key_id"));
  EXPECT_TRUE(store.requests().empty());
}

}  // namespace
}  // namespace osiris::worker::test
