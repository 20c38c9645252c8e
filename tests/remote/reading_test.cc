// The extractors of files on paths that are addresses: the same rows as from files here, and no more bytes than needed.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>

#include "tests/drivers/harness.h"
#include "tests/remote/object_server.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"

namespace osiris::worker::test {
namespace {

using osiris::test::ObjectFault;
using osiris::test::ObjectRequest;
using osiris::test::ObjectServer;
using osiris::test::ObjectServerOptions;

constexpr char kKey[] = "AKIDEXAMPLE", kSecret[] = "canary/secret+key";

ObjectServerOptions signed_options() {
  ObjectServerOptions options;
  options.key_id = kKey;
  options.secret = kSecret;
  options.region = "eu-central-1";
  return options;
}

// The rows of a SELECT as the bytes of a Parquet file.
std::string parquet_of(const std::string& select, const std::string& options = "") {
  StepHarness maker("maker");
  const auto file = maker.work_dir() / "made.parquet";
  maker.sql("COPY (" + select + ") TO '" + file.string() + "' (FORMAT parquet" + options + ")");
  return maker.read_file("made.parquet");
}

class Read : public StepHarness {
 public:
  Read(const ObjectServer& server, const std::string& path, std::initializer_list<Json::Member> more = {})
      : StepHarness("read") {
    Json config = Json::object({{"path", path}});
    for (const auto& [key, value] : more) config.set(key, value);
    set_config(std::move(config));
    use_keys(server, kSecret);
  }
  void use_keys(const ObjectServer& server, const std::string& secret, std::initializer_list<Json::Member> more = {}) {
    Json fields = Json::object({{"endpoint", server.url()},
                                {"region", "eu-central-1"},
                                {"access_key_id", kKey},
                                {"secret_access_key", secret}});
    for (const auto& [key, value] : more) fields.set(key, value);
    set_connection("filesystem", "lake", std::move(fields));
  }
  std::string rows(const Driver& driver) {
    const auto done = run(driver);
    if (!done.ok()) return "error: " + done.error().message + "; " + done.error().hint;
    return query("SELECT * FROM {out} ORDER BY ALL");
  }
  Error error(const Driver& driver) {
    const auto done = run(driver);
    EXPECT_FALSE(done.ok());
    return done.ok() ? Error() : done.error();
  }
};

TEST(RemoteCsv, IsReadFromBothKindsOfAddress) {
  ObjectServer plain, store(signed_options());
  for (ObjectServer* server : {&plain, &store}) server->put("lake/a b/people.csv", "id,name\n1,Ann\n2,Bob\n");
  EXPECT_EQ(Read(plain, plain.url("/lake/a%20b/people.csv")).rows(filesystem_csv_extractor()), "1|Ann\n2|Bob\n");
  EXPECT_EQ(Read(store, "s3://lake/a b/people.csv").rows(filesystem_csv_extractor()), "1|Ann\n2|Bob\n");
}

TEST(RemoteJson, IsReadOfAllThatAPatternFinds) {
  ObjectServerOptions options = signed_options();
  options.keys_of_a_page = 2;
  ObjectServer store(options);
  for (int day = 1; day <= 5; ++day)
    store.put("lake/events/2025-01-0" + std::to_string(day) + ".ndjson", "{\"day\":" + std::to_string(day) + "}\n");
  store.put("lake/events/deeper/2025-01-09.ndjson", "{\"day\":9}\n");
  store.put("lake/events/readme.txt", "no");
  EXPECT_EQ(Read(store, "s3://lake/events/*.ndjson").rows(filesystem_json_extractor()), "1\n2\n3\n4\n5\n");
  EXPECT_EQ(Read(store, "s3://lake/events/**/2025-*.ndjson").rows(filesystem_json_extractor()), "1\n2\n3\n4\n5\n9\n");
  EXPECT_NE(Read(store, "s3://lake/events/*.csv").rows(filesystem_json_extractor()).find("no JSON file matches"),
            std::string::npos);
}

TEST(RemoteParquet, IsReadByItsColumns) {
  // Twenty columns of numbers that do not compress.
  std::string columns;
  for (int i = 0; i < 20; ++i)
    columns += (i ? ", " : "") + ("hash(i * 20 + " + std::to_string(i) + ") AS c" + std::to_string(i));
  const std::string bytes = parquet_of("SELECT " + columns + " FROM range(200000) t(i)", ", ROW_GROUP_SIZE 50000");
  ObjectServer store(signed_options());
  store.put("lake/wide.parquet", bytes);
  Read two(store, "s3://lake/wide.parquet", {{"columns", Json::array({"c3", "c17"})}});
  const auto done = two.run(filesystem_parquet_extractor());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(two.output_columns(), "c3 UBIGINT, c17 UBIGINT");
  EXPECT_EQ(two.query("SELECT count(*) FROM {out}"), "200000\n");
  EXPECT_LT(store.bytes_sent(), bytes.size() / 10 * 12 / 10)
      << "of " << bytes.size() << " in " << store.requests().size() << " requests";
  Read all(store, "s3://lake/wide.parquet");
  const auto all_done = all.run(filesystem_parquet_extractor());
  ASSERT_TRUE(all_done.ok()) << all_done.error().message;
  EXPECT_EQ(all.query("SELECT count(DISTINCT c0) FROM {out}"), "200000\n");
}

// 3 files of 4 groups of rows, 20 columns of numbers that do not compress.
class RemoteGroups : public ::testing::Test {
 protected:
  static constexpr int kFiles = 3, kGroups = 4, kRowsOfAGroup = 20480;

  RemoteGroups() {
    for (int file = 0; file < kFiles; ++file) {
      std::string columns = "i AS id";
      for (int i = 1; i < 20; ++i) columns += ", hash(i, " + std::to_string(i) + ") AS c" + std::to_string(i);
      const int begin = file * kGroups * kRowsOfAGroup;
      std::string bytes = parquet_of("SELECT " + columns + " FROM range(" + std::to_string(begin) + ", " +
                                         std::to_string(begin + kGroups * kRowsOfAGroup) + ") t(i)",
                                     ", ROW_GROUP_SIZE " + std::to_string(kRowsOfAGroup));
      bytes_ += bytes.size();
      store_.put("lake/orders/" + std::to_string(file) + ".parquet", std::move(bytes));
    }
  }

  // Of a part of an object that is neither its beginning nor its end.
  static bool is_of_a_column(const ObjectRequest& request) {
    const std::string range = request.header("Range");
    return request.method == "GET" && !range.empty() && !range.starts_with("bytes=0-") && size_of(range) > 100'000;
  }
  static uint64_t size_of(const std::string& range) {
    const uint64_t first = std::strtoull(range.c_str() + std::string("bytes=").size(), nullptr, 10);
    return std::strtoull(range.c_str() + range.find('-') + 1, nullptr, 10) - first + 1;
  }
  // Of a column, by its number.
  static std::string sum(int column) {
    return StepHarness("maker").query("SELECT sum(hash(i, " + std::to_string(column) + ")::HUGEINT) FROM range(" +
                                      std::to_string(kFiles * kGroups * kRowsOfAGroup) + ") t(i)");
  }

  ObjectServer store_{signed_options()};
  uint64_t bytes_ = 0;
};

TEST_F(RemoteGroups, AreFetchedBeforeTheyAreAskedFor) {
  // The first three requests for a column wait for each other: one at a time would wait for good.
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  bool met = true;
  store_.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (!is_of_a_column(request)) return std::nullopt;
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    met = changed.wait_for(lock, std::chrono::seconds(60), [&] { return begun >= 3; }) && met;
    return std::nullopt;
  });
  Read two(store_, "s3://lake/orders/*.parquet", {{"columns", Json::array({"c3", "c7"})}});
  const auto done = two.run(filesystem_parquet_extractor());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(met);
  EXPECT_EQ(two.query("SELECT sum(c3::HUGEINT) FROM {out}"), sum(3));
  EXPECT_EQ(two.query("SELECT sum(c7::HUGEINT) FROM {out}"), sum(7));
  // Each once, and little else.
  EXPECT_EQ(begun, 2 * kFiles * kGroups);
  EXPECT_LT(store_.bytes_sent(), bytes_ / 20 * 2 * 12 / 10);
}

TEST_F(RemoteGroups, ThatAreNotWantedAfterAllDoNotKeepAStepFromItsEnd) {
  Read few(store_, "s3://lake/orders/*.parquet", {{"columns", Json::array({"c7"})}, {"limit", 10}});
  const auto done = few.run(filesystem_parquet_extractor());
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(few.query("SELECT count(*) FROM {out}"), "10\n");
}

TEST_F(RemoteGroups, ThatCannotBeReadAreTheStepsError) {
  store_.on_request([](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (!is_of_a_column(request) || !request.path.ends_with("1.parquet")) return std::nullopt;
    return ObjectFault{ObjectFault::Kind::kAnswer, 403};
  });
  Read step(store_, "s3://lake/orders/*.parquet", {{"columns", Json::array({"c7"})}});
  const Error error = step.error(filesystem_parquet_extractor());
  EXPECT_EQ(error.category, "extract.permission_denied") << error.message;
  EXPECT_NE(error.message.find("s3://lake/orders/1.parquet"), std::string::npos) << error.message;
  // What could not be fetched ahead is not asked for once more.
  std::map<std::string, int> asked;
  for (const ObjectRequest& request : store_.requests())
    if (is_of_a_column(request) && request.path.ends_with("1.parquet")) ++asked[request.header("Range")];
  for (const auto& [range, times] : asked) EXPECT_EQ(times, 1) << range;
}

TEST(RemoteParquet, OfAPatternHasTheColumnsOfItsPaths) {
  ObjectServer store(signed_options());
  for (int month = 1; month <= 3; ++month)
    store.put("lake/orders/month=" + std::to_string(month) + "/a.parquet",
              parquet_of("SELECT " + std::to_string(month * 10) + " AS total"));
  EXPECT_EQ(Read(store, "s3://lake/orders/month=*/*.parquet").rows(filesystem_parquet_extractor()),
            "10|1\n20|2\n30|3\n");
}

TEST(RemoteParquet, IsCopiedFromAServerWithoutRanges) {
  ObjectServerOptions options;
  options.serves_ranges = false;
  ObjectServer plain(options);
  plain.put("files/a.parquet", parquet_of("SELECT i FROM range(100000) t(i)"));
  Read step(plain, plain.url("/files/a.parquet"));
  ASSERT_TRUE(step.run(filesystem_parquet_extractor()).ok());
  EXPECT_EQ(step.query("SELECT count(*), sum(i) FROM {out}"), "100000|4999950000\n");
}

TEST(RemoteFile, NeedsNoHead) {
  ObjectServerOptions options;
  options.serves_head = false;
  ObjectServer plain(options);
  plain.put("files/a.csv", "id\n7\n");
  plain.put("files/a.parquet", parquet_of("SELECT 8 AS id"));
  EXPECT_EQ(Read(plain, plain.url("/files/a.csv?token=x")).rows(filesystem_csv_extractor()), "7\n");
  EXPECT_EQ(Read(plain, plain.url("/files/a.parquet")).rows(filesystem_parquet_extractor()), "8\n");
}

TEST(RemoteFile, OfNoBytesIsAFile) {
  ObjectServer plain;
  plain.put("files/empty.ndjson", "");
  plain.put("files/empty.parquet", "");
  EXPECT_EQ(Read(plain, plain.url("/files/empty.ndjson"), {{"columns", Json::object({{"a", "BIGINT"}})}})
                .rows(filesystem_json_extractor()),
            "");
  EXPECT_NE(Read(plain, plain.url("/files/empty.parquet")).rows(filesystem_parquet_extractor()).find("is empty"),
            std::string::npos);
}

TEST(RemoteAnswer, ThatPassesIsAskedForAgain) {
  ObjectServer store(signed_options());
  store.put("lake/a.csv", "id\n1\n2\n");
  store.put("lake/a.parquet", parquet_of("SELECT * FROM range(1, 3)"));
  using Kind = ObjectFault::Kind;
  for (const ObjectFault& fault :
       {ObjectFault{Kind::kAnswer, 500}, ObjectFault{Kind::kAnswer, 503, "", "Retry-After: 0\r\n"},
        ObjectFault{Kind::kAnswer, 429, "", "Retry-After: 0\r\n"}, ObjectFault{Kind::kCutBefore},
        ObjectFault{Kind::kCutBody}})
    for (const char* method : {"HEAD", "GET"}) {
      if (fault.kind == Kind::kCutBody && std::string(method) == "HEAD") continue;
      for (const bool is_csv : {true, false}) {
        auto left = std::make_shared<int>(2);
        store.on_request([=](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
          if (request.method != method || (*left)-- <= 0) return std::nullopt;
          return fault;
        });
        Read step(store, is_csv ? "s3://lake/a.csv" : "s3://lake/a.parquet");
        EXPECT_EQ(step.rows(is_csv ? filesystem_csv_extractor() : filesystem_parquet_extractor()), "1\n2\n")
            << method << fault.status;
      }
    }
}

TEST(RemoteAnswer, ThatLastsIsAnErrorWithTheServersWords) {
  ObjectServer store(signed_options());
  store.put("lake/a.parquet", parquet_of("SELECT 1 AS id"));
  const auto& parquet = filesystem_parquet_extractor();
  Error error = Read(store, "s3://lake/b.parquet").error(parquet);
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_EQ(error.category, "extract.no_data");
  EXPECT_NE(error.message.find("s3://lake/b.parquet: the server answered 404"), std::string::npos) << error.message;
  Read stranger(store, "s3://lake/a.parquet");
  stranger.use_keys(store, "another");
  error = stranger.error(parquet);
  EXPECT_EQ(error.code, Code::kUnauthenticated);
  EXPECT_EQ(error.category, "extract.permission_denied");
  // A HEAD has no body, so the words come with what has one.
  Read lists(store, "s3://lake/*.parquet");
  lists.use_keys(store, "another");
  error = lists.error(parquet);
  EXPECT_NE(error.message.find("SignatureDoesNotMatch"), std::string::npos) << error.message;
  EXPECT_EQ((error.message + lists.everything_said()).find("another"), std::string::npos);
  store.on_request([](const ObjectRequest&, size_t) { return ObjectFault{ObjectFault::Kind::kAnswer, 503}; });
  error = Read(store, "s3://lake/a.parquet").error(parquet);
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_NE(error.message.find("(after 5 attempts)"), std::string::npos) << error.message;
}

TEST(RemoteAnswer, ThatFailsInTheMiddleOfAStatementIsTheStepsError) {
  ObjectServer store(signed_options());
  store.put("lake/a.parquet", parquet_of("SELECT i, hash(i) AS h FROM range(100000) t(i)"));
  store.on_request([](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    // Not the last 64 KiB, where the metadata is.
    if (request.method == "GET" && request.header("Range").starts_with("bytes=4-"))
      return ObjectFault{ObjectFault::Kind::kAnswer, 403};
    return std::nullopt;
  });
  Read step(store, "s3://lake/a.parquet");
  const Error error = step.error(filesystem_parquet_extractor());
  EXPECT_EQ(error.category, "extract.permission_denied") << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(RemoteObject, ThatChangesWhileItIsReadIsAnError) {
  for (const bool has_etags : {true, false}) {
    ObjectServerOptions options = signed_options();
    options.has_etags = has_etags;
    ObjectServer store(options);
    const std::string first = parquet_of("SELECT i, hash(i) AS h FROM range(100000) t(i)");
    const std::string second = parquet_of("SELECT i, hash(i + 1) AS h FROM range(100001) t(i)");
    store.put("lake/a.parquet", first);
    size_t gets = 0;
    store.on_request([&](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
      if (request.method == "GET" && ++gets == 2) store.put("lake/a.parquet", second);
      return std::nullopt;
    });
    const Error error = Read(store, "s3://lake/a.parquet").error(filesystem_parquet_extractor());
    EXPECT_EQ(error.message, "s3://lake/a.parquet was changed while it was read");
    EXPECT_EQ(error.code, Code::kStepFailed);
  }
}

TEST(RemoteObject, WhoseBytesChangeOnTheirWayIsAnError) {
  ObjectServer store(signed_options());
  std::string rows = "id,name\n";
  for (int n = 0; n < 1000; ++n) rows += std::to_string(n) + ",name " + std::to_string(n) + "\n";
  store.put("lake/a.csv", rows);
  store.put("lake/a.json", "[{\"id\": 1, \"name\": \"a long enough name\"}]");
  store.on_request([](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    return request.method == "GET" ? std::optional(ObjectFault{ObjectFault::Kind::kDamageAnswer}) : std::nullopt;
  });
  for (const auto& [driver, path] : {std::pair(&filesystem_csv_extractor(), "s3://lake/a.csv"),
                                     {&filesystem_json_extractor(), "s3://lake/a.json"}}) {
    Read step(store, path);
    const Error error = step.error(*driver);
    EXPECT_NE(error.message.find(std::string(path) + ": other bytes came than the service holds"), std::string::npos)
        << error.message;
    EXPECT_FALSE(step.has_output_table());
  }
  // Of a service whose tags say nothing of the bytes.
  ObjectServerOptions options = signed_options();
  options.encrypts_with_keys_of_its_own = true;
  ObjectServer sealed(options);
  sealed.put("lake/a.csv", "id\n1\n");
  EXPECT_EQ(Read(sealed, "s3://lake/a.csv").rows(filesystem_csv_extractor()), "1\n");
}

TEST(RemoteConnection, SaysHowToAsk) {
  ObjectServerOptions options = signed_options();
  options.session_token = "token/1";
  ObjectServer store(options), open;
  for (ObjectServer* server : {&store, &open}) server->put("lake/a.csv", "id\n1\n");
  Read step(store, "s3://lake/a.csv");
  EXPECT_NE(step.rows(filesystem_csv_extractor()).find("403"), std::string::npos);
  step.use_keys(store, kSecret, {{"session_token", "token/1"}});
  EXPECT_EQ(step.rows(filesystem_csv_extractor()), "1\n");
  Read anonymous(open, "s3://lake/a.csv");
  anonymous.set_connection("filesystem", "lake", Json::object({{"endpoint", open.url()}, {"anonymous", true}}));
  EXPECT_EQ(anonymous.rows(filesystem_csv_extractor()), "1\n");
  EXPECT_EQ(open.requests().front().header("Authorization"), "");
  anonymous.set_connection("filesystem", "lake", Json::object({{"endpoint", open.url()}}));
  EXPECT_NE(anonymous.rows(filesystem_csv_extractor()).find("needs access_key_id and secret_access_key"),
            std::string::npos);
}

// A service that gives its pages round and round.
TEST(RemoteListing, ThatGoesRoundIsAnError) {
  for (const size_t pages : {size_t{1}, size_t{2}, size_t{3}}) {
    ObjectServer store(signed_options());
    store.on_request([&](const ObjectRequest& request, size_t number) -> std::optional<ObjectFault> {
      if (request.parameter("list-type").empty()) return std::nullopt;
      if (number > 100) return ObjectFault{ObjectFault::Kind::kAnswer, 400, "it would go on for ever"};
      return ObjectFault{ObjectFault::Kind::kAnswer, 200,
                         "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t" +
                             std::to_string(number % pages) + "</NextContinuationToken></ListBucketResult>"};
    });
    const Error error = Read(store, "s3://lake/*.json").error(filesystem_json_extractor());
    EXPECT_NE(error.message.find("gave the same page twice"), std::string::npos) << error.message;
    EXPECT_EQ(error.category, "extract.query_failed");
    EXPECT_LE(store.requests().size(), pages + 1);
  }
}

TEST(RemoteStep, IsCancelled) {
  ObjectServer store(signed_options());
  store.put("lake/a.csv", "id\n1\n");
  Read step(store, "s3://lake/a.csv");
  store.on_request([&](const ObjectRequest&, size_t) {
    step.cancel();
    return ObjectFault{ObjectFault::Kind::kAnswer, 503};
  });
  EXPECT_EQ(step.error(filesystem_csv_extractor()).code, Code::kCancelled);
}

}  // namespace
}  // namespace osiris::worker::test
