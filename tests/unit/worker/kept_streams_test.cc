// Rows that are kept for later runs while they stream: nothing is stored for it, the file is what a stored step would
// have left, and what goes wrong with it is no failure of the run.
#include <gmock/gmock.h>

#include "protocol/base/sha256.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRows = 60000;

class KeptStreams : public StreamsFixture {
 protected:
  KeptStreams()
      : StreamsFixture({&filesystem_csv_extractor(), &duckdb_processor(), &filesystem_csv_writer(),
                        &filesystem_json_writer(), &filesystem_parquet_writer()}) {}

  void clear() override {
    for (const char* file : {"out.csv", "out.ndjson", "out.parquet"}) fs::remove(directory_ / "work" / file);
    fs::remove(kept_file("query"));
    fs::remove(kept_file("read"));
  }
  std::string written() override {
    const auto file = read_file(directory_ / "work/out.csv");
    return file.ok() ? *file : "<none>";
  }
  fs::path kept_file(const std::string& id) const { return directory_ / "session/artifacts" / id / "kept.parquet"; }

  void write_input() {
    std::string text = "id,word,price\n";
    for (int row = 0; row < kRows; ++row)
      text += std::to_string(row) + ",word number " + std::to_string(row % 100) + "," + std::to_string(row) + ".5\n";
    ASSERT_TRUE(write_file_atomically(directory_ / "work/in.csv", text).ok());
  }
  static Json read_step() {
    return with_mode(step("read", "filesystem.csv_extractor", {}, Json::object({{"path", "in.csv"}})), "extract");
  }
  static Json kept(Json made, uint64_t bytes_max = 0) {
    made.set("kept", Json::object({{"use", "keep"}, {"bytes_max", bytes_max}}));
    return made;
  }
  static Json write_step(const std::string& from, const std::string& kind = "csv") {
    const std::string file = "out." + (kind == "json" ? std::string("ndjson") : kind);
    return with_mode(step("write", "filesystem." + kind + "_writer", {from}, Json::object({{"path", file}})), "write");
  }
  // `expression` of what a function of the engine tells of the kept rows of `id`, as text.
  std::string told_of(const std::string& id, const std::string& expression, const std::string& function) {
    duckdb_database database = nullptr;
    duckdb_connection connection = nullptr;
    EXPECT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
    std::string text;
    {
      auto found = sql::run_query(connection, "SELECT CAST(" + expression + " AS VARCHAR) FROM " + function + "(" +
                                                  sql::quote_literal(kept_file(id).string()) + ") t");
      EXPECT_TRUE(found.ok()) << found.error().message;
      if (found.ok()) text = found->text();
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return text;
  }
  // The kept rows of `id` in their order, with their types, as one text.
  std::string rows_of(const std::string& id) {
    return told_of(id, "string_agg(t::VARCHAR, ';')", "read_parquet") +
           told_of(id, "string_agg(name || coalesce(converted_type, type), ';')", "parquet_schema");
  }
  void expect_as_stored(const std::string& query) {
    write_input();
    const Outcome streamed = run({read_step(), kept(query_step(query)), write_step("query")});
    EXPECT_TRUE(streamed.streamed);
    EXPECT_EQ(sink_.metric("rows_out").is_null(), false);
    const Json told = sink_.event("output_kept");
    EXPECT_EQ(told["size_bytes"].as_uint(), fs::file_size(kept_file("query")));
    EXPECT_EQ(told["sha256"].as_string(), sha256_file(kept_file("query"))->sha256);
    const std::string rows = rows_of("query");
    Json stored_query = kept(query_step(query));
    stored_query.set("materialize", true);
    const Outcome stored = run({read_step(), stored_query, write_step("query")});
    EXPECT_EQ(sink_.event("output_kept")["rows"], told["rows"]);
    EXPECT_TRUE(rows == rows_of("query")) << rows.substr(0, 200) << "\n" << rows_of("query").substr(0, 200);
    EXPECT_EQ(streamed.written, stored.written);
  }
};

TEST_F(KeptStreams, AQuerysRowsAreKeptInTheirOrder) {
  expect_as_stored(
      "SELECT price * 2 AS twice, word, id, (id::HUGEINT * 100000000000000000000) AS large, [id] AS list FROM df_read "
      "WHERE id % 3 = 0");
}

TEST_F(KeptStreams, SoAreThoseOfAGroupByThatIsOrdered) {
  expect_as_stored("SELECT word, count(*) AS n, sum(id) AS total FROM df_read GROUP BY word ORDER BY total DESC");
}

TEST_F(KeptStreams, AndNone) { expect_as_stored("SELECT id, word FROM df_read WHERE id < 0"); }

TEST_F(KeptStreams, TheQueryAndItsWriterRunAlongAndNothingIsStored) {
  write_input();
  const Outcome seen = run({read_step(), kept(query_step("SELECT id, word FROM df_read")), write_step("query")});
  EXPECT_TRUE(seen.errors.empty());
  // A writer that was claimed by the source counts what it is given only when that has ended.
  const auto resolved = [&] {
    for (const Json& event : sink_.events())
      if (event["event"].as_string() == "inputs_resolved" && event["step_id"].as_string() == "write") return event;
    return Json();
  }();
  EXPECT_EQ(resolved["rows"].as_int(), kRows);
  const auto names = sink_.event_names("query");
  EXPECT_LT(std::find(names.begin(), names.end(), "output_kept"),
            std::find(names.begin(), names.end(), "step_complete"));
}

TEST_F(KeptStreams, TheyAreEncodedByWhatTakesLeastTime) {
  write_input();
  run({read_step(), kept(query_step("SELECT id, 'number ' || id AS word, price FROM df_read")), write_step("query")});
  EXPECT_EQ(told_of("query", "string_agg(DISTINCT encodings, ',' ORDER BY encodings)", "parquet_metadata"),
            "BYTE_STREAM_SPLIT,DELTA_BINARY_PACKED,DELTA_LENGTH_BYTE_ARRAY");
}

// The engine's writer sets aside, for each page of 100 MB, room for all texts of a group of rows.
TEST_F(KeptStreams, RowsOfLargeValuesBecomeSmallGroups) {
  write_input();
  const Outcome seen = run(
      {read_step(), kept(query_step("SELECT id, repeat(md5(id::VARCHAR), 10000) AS text FROM df_read WHERE id < 400")),
       write_step("query")});
  EXPECT_TRUE(seen.streamed);
  EXPECT_EQ(sink_.event("output_kept")["rows"].as_int(), 400);
  EXPECT_EQ(told_of("query", "bool_and(text = repeat(md5(id::VARCHAR), 10000))", "read_parquet"), "true");
  EXPECT_EQ(told_of("query", "bool_and(id = file_row_number)", "read_parquet"), "true");
  EXPECT_LT(std::stoll(told_of("query", "max(total_uncompressed_size)", "parquet_metadata")), 80'000'000);
}

TEST_F(KeptStreams, AWriterOfJsonKeepsThemToo) {
  write_input();
  const Outcome seen =
      run({read_step(), kept(query_step("SELECT id, price FROM df_read")), write_step("query", "json")});
  EXPECT_TRUE(seen.streamed);
  EXPECT_THAT(rows_of("query"), HasSubstr("{'id': 0, 'price': 0.5};{'id': 1, 'price': 1.5}"));
}

TEST_F(KeptStreams, ForAWriterThatTakesNoBatchesTheQueryIsStoredAndKept) {
  write_input();
  const Outcome seen =
      run({read_step(), kept(query_step("SELECT id, price FROM df_read")), write_step("query", "parquet")});
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_EQ(sink_.event("output_kept")["rows"].as_int(), kRows);
  EXPECT_THAT(rows_of("query"), HasSubstr("{'id': 0, 'price': 0.5};{'id': 1, 'price': 1.5}"));
}

TEST_F(KeptStreams, TheSourcesOwnRowsAreKeptByItsWriter) {
  write_input();
  const Outcome seen = run({kept(read_step()), write_step("read")});
  EXPECT_TRUE(seen.streamed);
  EXPECT_EQ(sink_.event("output_kept")["step_id"].as_string(), "read");
  EXPECT_EQ(sink_.event("output_kept")["rows"].as_int(), kRows);
  EXPECT_THAT(rows_of("read"), HasSubstr("{'id': 0, 'word': word number 0, 'price': 0.5};{'id': 1"));
}

TEST_F(KeptStreams, TooLargeARelationIsNotKeptAndTheRunIsAsItWas) {
  write_input();
  const std::vector<Json> steps = {read_step(), kept(query_step("SELECT id FROM df_read"), 100), write_step("query")};
  const Outcome seen = run(steps);
  EXPECT_TRUE(seen.streamed);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(sink_.event("output_not_kept")["reason"].as_string(), HasSubstr("100 may be kept"));
  EXPECT_FALSE(fs::exists(kept_file("query")));
}

TEST_F(KeptStreams, AFileThatCannotBeWrittenStopsNothing) {
  write_input();
  fs::create_directories(kept_file("query") / "in the way");
  Json query = kept(query_step("SELECT id FROM df_read"));
  plan({read_step(), query, write_step("query")});
  for (const char* id : {"write", "query", "read"}) ask(id);
  EXPECT_EQ(result("write")["metrics"]["rows_written"].as_int(), kRows);
  EXPECT_THAT(sink_.event("output_not_kept")["reason"].as_string(), HasSubstr("cannot write the relation as Parquet"));
  EXPECT_TRUE(sink_.event("output_kept").is_null());
}

// Where a stream does not fit it is given up, and its rows are stored and kept as before.
TEST_F(KeptStreams, WithLittleMemoryTheyAreKeptAllTheSame) {
  constexpr int kManyRows = 600'000;
  fs::create_directories(directory_ / "session/.worker");  // where a copy spills
  std::string text = "id,word,price\n";
  for (int row = 0; row < kManyRows; ++row)
    text += std::to_string(row) + ",word number " + std::to_string(row) + "," + std::to_string(row) + ".5\n";
  ASSERT_TRUE(write_file_atomically(directory_ / "work/in.csv", text).ok());
  for (const uint64_t limit : {64u, 256u}) {
    memory_limit_bytes_ = limit << 20;
    const Outcome seen =
        run({read_step(), kept(query_step("SELECT * FROM df_read WHERE id >= 0")), write_step("query")});
    EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
    EXPECT_EQ(sink_.event("output_kept")["rows"].as_int(), kManyRows) << limit;
    EXPECT_TRUE(seen.streamed || limit < 256);
  }
}

TEST_F(KeptStreams, NothingIsKeptOfAStreamThatFails) {
  write_input();
  std::string text = *read_file(directory_ / "work/in.csv");
  ASSERT_TRUE(write_file_atomically(directory_ / "work/in.csv", text + "1,2,3,4,5\n").ok());
  const Outcome seen = run({read_step(), kept(query_step("SELECT id FROM df_read")), write_step("query")});
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("Expected 3 fields"));
  EXPECT_THAT(sink_.event_names("query"), Not(Contains("output_kept")));
  EXPECT_FALSE(fs::exists(kept_file("query")));
}

}  // namespace
}  // namespace osiris::worker
