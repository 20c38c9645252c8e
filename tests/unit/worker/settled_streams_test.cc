// Sources whose columns follow from all of their rows, read by the statement of another step, beside the same steps
// that store them: JSON files and web APIs.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "tests/drivers/posthog.extractor/stand_in.h"
#include "tests/unit/worker/counting_reader.h"
#include "tests/unit/worker/streams_fixture.h"
#include "tests/web/api.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"
#include "worker/drivers/graphql.extractor/driver.h"
#include "worker/drivers/posthog.extractor/driver.h"

namespace osiris::worker {
namespace {

using osiris::test::Api;
using osiris::test::ApiAnswer;
using osiris::test::ApiRequest;
using ::testing::HasSubstr;

constexpr int kRows = 30000;
constexpr uint64_t kPageRows = 1000;

// Of the engine, for buffers of its readers, looked at when a reader had the first rows.
std::atomic<int64_t> buffer_bytes{0};

Result<StepOutcome> read_and_look(StepContext& step) {
  const std::string select = "SELECT * FROM " + step.inputs().front().name;
  duckdb_prepared_statement statement = nullptr;
  duckdb_pending_result pending = nullptr;
  duckdb_result rows{};
  const bool begun = duckdb_prepare(step.connection_handle(), select.c_str(), &statement) == DuckDBSuccess &&
                     duckdb_pending_prepared_streaming(statement, &pending) == DuckDBSuccess &&
                     duckdb_execute_pending(pending, &rows) == DuckDBSuccess;
  duckdb_destroy_pending(&pending);
  duckdb_destroy_prepare(&statement);
  StepOutcome outcome;
  while (duckdb_data_chunk chunk = begun ? duckdb_fetch_chunk(rows) : nullptr) {
    if (outcome.rows_written == 0) {
      duckdb_connection other = step.open_connection();
      auto bytes = sql::run_query(other, "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'ALLOCATOR'");
      duckdb_disconnect(&other);
      if (bytes.ok()) buffer_bytes = bytes->integer();
    }
    outcome.rows_written += duckdb_data_chunk_get_size(chunk);
    duckdb_destroy_data_chunk(&chunk);
  }
  duckdb_destroy_result(&rows);
  if (!begun) return Error(Code::kInternal, "the rows cannot be read");
  OSIRIS_TRY(step.inputs_are_sound());
  return outcome;
}

const Driver& looking_reader() {
  static constexpr Driver driver{.name = "looking.reader", .run = read_and_look, .reads_streams = true};
  return driver;
}

class SettledStreams : public StreamsFixture {
 protected:
  SettledStreams()
      : StreamsFixture({&filesystem_json_extractor(), &graphql_extractor(), &posthog_extractor(), &duckdb_processor(),
                        &filesystem_csv_writer(), &filesystem_json_writer(), &filesystem_parquet_writer(),
                        &counting_reader(), &looking_reader()}) {}

  void clear() override { std::filesystem::remove(directory_ / "work" / out_); }
  std::string written() override {
    const auto file = read_file(directory_ / "work" / out_);
    return file.ok() ? *file : "<none>";
  }

  static Json read_step(const std::string& driver, Json more) {
    return with_mode(step("read", driver, {}, std::move(more)), "extract");
  }
  Json write_step(const std::string& from, const std::string& file = "out.csv") {
    out_ = file;
    const std::string kind = file.substr(file.rfind('.') + 1);
    return with_mode(step("write", "filesystem." + (kind == "ndjson" ? "json" : kind) + "_writer", {from},
                          Json::object({{"path", file}})),
                     "write");
  }
  static Json counting_step() { return with_mode(step("write", "counting.reader", {"read"}), "write"); }

  // One record a line; `last` makes the last member of each.
  void write_records(const std::function<std::string(int row)>& last = [](int) { return std::string("null"); }) {
    std::string text;
    for (int row = 0; row < kRows; ++row)
      text += R"({"id":)" + std::to_string(row) + R"(,"part":)" + std::to_string(row / 8.0) + R"(,"tags":["a",null])" +
              R"(,"word":"w\"\n)" + std::to_string(row % 9) + R"(","last":)" + last(row) + "}\n";
    ASSERT_TRUE(write_file_atomically(directory_ / "work/in.ndjson", text).ok());
  }
  static Json json(Json more = Json::object()) {
    more.set("path", "in.ndjson");
    return read_step("filesystem.json_extractor", std::move(more));
  }

  // Plants in pages; asked for `rows` of them, and never done where it is 0. From `breaks` on it answers with an error.
  static ApiAnswer plants(const Json& variables, uint64_t rows, uint64_t breaks, const std::string& filler = {}) {
    const uint64_t begin = variables["after"].as_uint();
    const uint64_t end = rows > 0 ? std::min(rows, begin + kPageRows) : begin + kPageRows;
    if (begin >= breaks) return {R"({"errors":[{"message":"lost"}]})"};
    std::string list;
    for (uint64_t id = begin; id < end; ++id)
      list += (id > begin ? "," : "") + std::string(R"({"id":)") + std::to_string(id) + R"(,"of":{"kind":"k)" +
              std::to_string(id % 3) + filler + R"("},"odd":)" + (id == 12345 ? R"("text")" : std::to_string(id)) + "}";
    return {R"({"data":{"plants":[)" + list + R"(],"pageInfo":{"hasNextPage":)" +
            (end < rows || rows == 0 ? "true" : "false") + R"(,"endCursor":)" + std::to_string(end) + "}}}"};
  }
  static Json graphql(const Api& api, const Json& more = Json::object()) {
    Json config = Json::object({{"endpoint", api.url()},
                                {"query",
                                 "query($after: Int) { plants(after: $after) { id of { kind } odd } "
                                 "pageInfo { hasNextPage endCursor } }"},
                                {"data_path", "data.plants"},
                                {"pagination_enabled", true},
                                {"max_retries", 0}});
    for (const auto& [key, value] : more.members()) config.set(key, value);
    return read_step("graphql.extractor", std::move(config));
  }
  static std::function<ApiAnswer(const ApiRequest&, size_t)> giving(uint64_t rows, uint64_t breaks = UINT64_MAX) {
    return [=](const ApiRequest& request, size_t) { return plants(request.body["variables"], rows, breaks); };
  }

  std::string out_ = "out.csv";
  std::string filler_;  // of each plant's kind
};

TEST_F(SettledStreams, RecordsAreReadByEveryWriter) {
  write_records();
  for (const char* file : {"out.csv", "out.ndjson", "out.parquet"}) {
    SCOPED_TRACE(file);
    EXPECT_TRUE(run_both({json(), write_step("read", file)}, true).errors.empty());
  }
  write_records([](int row) { return row == kRows - 1 ? "{\"a\":1}" : std::to_string(row); });
  EXPECT_TRUE(run_both({json(), write_step("read", "out.ndjson")}, true).errors.empty());
}

TEST_F(SettledStreams, RecordsGoThroughAQueryThatReadsSomeColumns) {
  write_records();
  const Outcome seen = run_both({json(),
                                 query_step("SELECT word, count(*) AS n, max(part) AS most FROM df_read GROUP BY word "
                                            "ORDER BY word"),
                                 write_step("query")},
                                true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.events, ::testing::Contains(HasSubstr("\"rows_processed\":30000")));
}

TEST_F(SettledStreams, ARecordThatIsBadAtItsEndFailsTheExtractAndNothingIsWritten) {
  write_records([](int row) { return row == kRows - 1 ? "oops" : "1"; });
  const Outcome seen = run_both({json(), write_step("read")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("in.ndjson, line 30000"));
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SettledStreams, ADeclaredTypeThatDoesNotFitIsFoundInColumnsThatNobodyReads) {
  write_records([](int row) { return row == 20000 ? "\"x\"" : "1"; });
  const Json types = Json::object({{"id", "BIGINT"}, {"last", "INTEGER"}});
  for (const char* query : {"SELECT id FROM df_read", "SELECT last FROM df_read"}) {
    const Outcome seen =
        run_both({json(Json::object({{"columns", types}})), query_step(query), write_step("query")}, false);
    EXPECT_THAT(seen.errors.at("read"), HasSubstr("record 20001: column 'last' is INTEGER"));
  }
  write_records([](int) { return "1"; });
  EXPECT_TRUE(
      run_both({json(Json::object({{"columns", types}})), query_step("SELECT last FROM df_read"), write_step("query")},
               true)
          .errors.empty());
}

TEST_F(SettledStreams, WhatIsReadOnceIsNotCopied) {
  write_records();
  const Api api(giving(5000));
  for (const Json& read : {json(), graphql(api)}) {
    SCOPED_TRACE(read["driver"].as_string());
    EXPECT_TRUE(run({read, counting_step()}).errors.empty());
    EXPECT_EQ(counted.copies, 0u);
    const uint64_t rows = counted.rows;
    Json stored = read;
    stored.set("materialize", true);
    EXPECT_TRUE(run({stored, counting_step()}).errors.empty());
    EXPECT_EQ(counted.copies, 1u);
    EXPECT_EQ(counted.rows, rows);
  }
}

// A buffer of the engine's own reader of JSON takes 32 MiB, and each of its threads has two.
TEST_F(SettledStreams, LinesAreReadWithSmallBuffers) {
  write_records();
  for (const bool stored : {false, true}) {
    buffer_bytes = 0;
    Json read = json();
    if (stored) read.set("materialize", true);
    const Outcome seen = run({read, with_mode(step("write", "looking.reader", {"read"}), "write")});
    EXPECT_TRUE(seen.errors.empty());
    EXPECT_EQ(seen.streamed, !stored);
    EXPECT_THAT(seen.events, ::testing::Contains(HasSubstr("\"rows_processed\":30000")));
    if (!stored) {
      EXPECT_GT(buffer_bytes, 0);
    }
    EXPECT_LT(buffer_bytes, int64_t{16} << 20);
  }
}

TEST_F(SettledStreams, SeveralReadersRetryAndTimeoutsAskForACopy) {
  write_records();
  const Json other = step("other", "duckdb.processor", {"read"}, Json::object({{"query", "SELECT id FROM df_read"}}));
  run_both({json(), write_step("read"), other}, false);
  Json write = write_step("read");
  write.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  run_both({json(), write}, false);
  Json read = json();
  read.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read, write_step("read")}).streamed);
  read = json();
  read.set("timeout_s", 1000);
  EXPECT_FALSE(run({read, write_step("read")}).streamed);
}

TEST_F(SettledStreams, MorePagesThanTheMemoryHoldsAreRead) {
  filler_.assign(4000, 'x');
  const Api api([this](const ApiRequest& request, size_t) {
    return plants(request.body["variables"], 16000, UINT64_MAX, filler_);
  });
  memory_limit_bytes_ = 48u << 20;
  std::filesystem::create_directories(directory_ / "session/.worker");  // where the copy spills
  EXPECT_TRUE(run_both({graphql(api), write_step("read")}, true).errors.empty());
}

TEST_F(SettledStreams, PagesAreReadByEveryWriterAndAskedForOnce) {
  const Api api(giving(20000));
  for (const char* file : {"out.csv", "out.ndjson", "out.parquet"}) {
    SCOPED_TRACE(file);
    const size_t before = api.requests().size();
    EXPECT_TRUE(run_both({graphql(api), write_step("read", file)}, true).errors.empty());
    EXPECT_EQ(api.requests().size() - before, 2u * 20);
  }
}

TEST_F(SettledStreams, NoRecordsAreColumnsWithoutTypes) {
  const Api api(R"({"data":{"plants":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}})");
  run_both({graphql(api), write_step("read")}, false);
}

TEST_F(SettledStreams, AnApiThatFailsInTheMiddleFailsTheExtract) {
  const Api api(giving(20000, 15000));
  const Outcome seen = run_both({graphql(api), query_step("SELECT id FROM df_read"), write_step("query")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("page 16: GraphQL errors: lost"));
  EXPECT_EQ(sink_.event_names("query"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SettledStreams, AReaderThatFailsInTheMiddleDoesNotMakeTheApiBeAskedAgain) {
  const Api api(giving(20000));
  const Outcome seen =
      run_both({graphql(api), query_step("SELECT CAST(odd AS INTEGER) AS n FROM df_read"), write_step("query")}, false);
  EXPECT_EQ(seen.errors.count("read"), 0u);
  EXPECT_THAT(seen.errors.at("query"), HasSubstr("text"));
  EXPECT_EQ(api.requests().size(), 2u * 20);
}

TEST_F(SettledStreams, AQueryThatReadsTwiceReadsACopyOfWhatWasAskedForOnce) {
  const Api api(giving(5000));
  const Outcome seen = run_both(
      {graphql(api), query_step("SELECT a.id FROM df_read a JOIN df_read b USING (id)"), write_step("query")}, false);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_EQ(api.requests().size(), 2u * 5);
}

TEST_F(SettledStreams, AnIncrementalReadIsStoredForItsState) {
  const Api api(giving(2000));
  const Json by = Json::object({{"column", "id"}});
  Json read = graphql(api, Json::object({{"incremental", by}}));
  EXPECT_TRUE(run_both({read, write_step("read")}, false).errors.empty());
}

TEST_F(SettledStreams, ACancelEndsTheRequests) {
  const Api api(giving(0));
  EXPECT_EQ(run_and_cancel({graphql(api), write_step("read")}, 0).written, "<none>");
}

TEST_F(SettledStreams, HitsKeepTheirStateAndAreAskedForOnce) {
  test::PosthogStandIn server;
  for (int hit = 0; hit < 250; ++hit)
    server.put({"2024-01-31 10:00:00." + std::to_string(100000 + hit), "id" + std::to_string(hit), "seen",
                R"({"n":)" + std::to_string(hit) + "}"});
  add_connection("posthog", "shop",
                 Json::object({{"api_key", "phx-canary-key"}, {"project_id", 42}, {"custom_base_url", server.url()}}));
  Json read = read_step("posthog.extractor", Json::object({{"data_type", "events"},
                                                           {"region", "us"},
                                                           {"initial_since", "2024-01-01T00:00:00Z"},
                                                           {"page_size", 100},
                                                           {"connection", "@posthog.shop"}}));
  read.set("connection", "@posthog.shop");
  const Outcome seen = run_both({read, write_step("read")}, true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.events, ::testing::Contains(HasSubstr("\"event\":\"step_state\"")));
  EXPECT_EQ(server.queries().size(), 2u * 3);
}

}  // namespace
}  // namespace osiris::worker
