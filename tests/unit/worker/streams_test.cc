// Steps that run as one statement, beside the same steps run one after the other: nothing but time and memory may
// differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/worker/streams_fixture.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRows = 60000;
constexpr int kUnseenRow = 20011;  // no sample looks there

// A writer that is slower than what reads the file: it counts the batches that wait for it.
class SlowWriter : public BatchWriter {
 public:
  static Result<StepOutcome> run(StepContext& step) {
    SlowWriter writer;
    const auto rows = write_rows(step, {{"id", ""}, {"note", ""}}, writer);
    if (!rows.ok()) return rows.error();
    OSIRIS_TRY(step.inputs_are_sound());
    waiting_max = writer.waiting_max_;
    return StepOutcome{*rows, *rows};
  }
  static const Driver& driver() {
    static constexpr Driver driver{.name = "test.slow", .run = run, .reads_streams = true};
    return driver;
  }
  static inline int waiting_max = 0;

 private:
  struct Counted : Batch {
    void add(duckdb_data_chunk) override {}
    size_t size_bytes() const override { return 1; }
  };
  std::unique_ptr<Batch> begin() override {
    const std::lock_guard lock(mutex_);
    waiting_max_ = std::max(waiting_max_, ++waiting_);
    changed_.notify_all();
    return std::make_unique<Counted>();
  }
  Status write(Batch&) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return waiting_ > kThreadsMax; });
    --waiting_;
    return {};
  }
  static constexpr int kThreadsMax = 64;

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0, waiting_max_ = 0;
};

class StreamsTest : public StreamsFixture {
 protected:
  StreamsTest()
      : StreamsFixture(
            {&filesystem_csv_extractor(), &duckdb_processor(), &filesystem_csv_writer(), &SlowWriter::driver()}) {}

  void clear() override { std::filesystem::remove(directory_ / "work/out.csv"); }
  std::string written() override {
    const auto file = read_file(directory_ / "work/out.csv");
    return file.ok() ? *file : "<none>";
  }

  // id, word, price, note; `note_at` makes the last column, `tail` is added at the end.
  void write_input(
      const std::function<std::string(int row)>& note_at = [](int) { return std::string("n"); },
      const std::string& tail = "") {
    std::string text = "id,word,price,note\n";
    for (int row = 0; row < kRows; ++row)
      text += std::to_string(row) + ",word number " + std::to_string(row % 100) + "," + std::to_string(row) + ".5," +
              note_at(row) + "\n";
    ASSERT_TRUE(write_file_atomically(directory_ / "work/in.csv", text + tail).ok());
  }

  static Json read_step(Json more = Json::object()) {
    more.set("path", "in.csv");
    return with_mode(step("read", "filesystem.csv_extractor", {}, std::move(more)), "extract");
  }
  static Json write_step(const std::string& from, Json more = Json::object()) {
    more.set("path", "out.csv");
    return with_mode(step("write", "filesystem.csv_writer", {from}, std::move(more)), "write");
  }
};

TEST_F(StreamsTest, ExtractQueryAndWriteRunAsOne) {
  write_input();
  const Outcome seen = run_both(
      {read_step(), query_step("SELECT id, price * 2 AS twice FROM df_read WHERE id % 3 = 0"), write_step("query")},
      true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_TRUE(seen.written.starts_with("id,twice\n0,1.0\n3,7.0\n6,13.0\n")) << seen.written.substr(0, 100);
  EXPECT_THAT(seen.events, Contains(HasSubstr("\"rows_processed\":60000")));
  EXPECT_THAT(seen.events, Contains(HasSubstr("\"rows\":20000")));
}

TEST_F(StreamsTest, AWriterMayReadTheFileItself) {
  write_input();
  EXPECT_TRUE(run_both({read_step(), write_step("read")}, true).errors.empty());
  EXPECT_TRUE(run_both({read_step(), write_step("read", Json::object({{"columns", Json::array({"price", "id"})},
                                                                      {"compression", "none"}}))},
                       true)
                  .errors.empty());
}

// Each thread holds one batch, however many the file has.
TEST_F(StreamsTest, ASlowWriterHoldsTheFileBack) {
  write_input([](int) { return std::string(700, 'n'); });
  Json write = with_mode(step("write", "test.slow", {"read"}), "write");
  const Outcome seen = run({read_step(), write});
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_TRUE(seen.streamed);
  EXPECT_GE(SlowWriter::waiting_max, 1);
  EXPECT_LE(SlowWriter::waiting_max, 4);  // threads of the fixture
}

TEST_F(StreamsTest, DatesOfOneKindFlowAlong) {
  const Json read = read_step(Json::object({{"parse_dates", Json::array({"note"})}}));
  const auto day = [](int row) {
    return row % 7 == 0 ? std::string()
                        : "2024-0" + std::to_string(1 + row % 9) + "-11 04:10:0" + std::to_string(row % 10);
  };
  write_input(day);
  const Outcome seen = run_both(
      {read, query_step("SELECT note, id FROM df_read WHERE note >= '2024-02-01'"), write_step("query")}, true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n1,2024-02-11 04:10:01\n"));
  EXPECT_TRUE(run_both({read, write_step("read")}, true).errors.empty());
  write_input([](int) { return std::string(); });
  EXPECT_TRUE(run_both({read, write_step("read")}, true).errors.empty());
}

// The type of all of them is decided by one that no sample shows: as when they are stored.
TEST_F(StreamsTest, DatesOfAnotherKindAreLookedAtWhole) {
  const Json read = read_step(Json::object({{"parse_dates", Json::array({"note"})}}));
  for (const char* other : {"soon", "2024-01-01 00:00:00.000000001", "2024-01-01 00:00+01:00", "2024-02-30"}) {
    SCOPED_TRACE(other);
    write_input([&](int row) { return row == kUnseenRow ? std::string(other) : std::string("2024-01-01 01:00"); });
    EXPECT_TRUE(run_both({read, write_step("read")}, false).errors.empty());
    write_input([&](int) { return std::string(other); });
    EXPECT_TRUE(run_both({read, write_step("read")}, false).errors.empty());
  }
}

TEST_F(StreamsTest, AGroupByReadsAStreamAndIsStoredForItsReaders) {
  write_input();
  const Json query =
      query_step("SELECT word, count(*) AS n, sum(price) AS total FROM input_df GROUP BY word ORDER BY 1");
  const Json again = step("again", "duckdb.processor", {"query"}, Json::object({{"query", "SELECT n FROM df_query"}}));
  const Outcome seen = run_both({read_step(), query, write_step("query"), again}, true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_TRUE(seen.written.starts_with("n,total,word\n600,")) << seen.written.substr(0, 100);
}

TEST_F(StreamsTest, AnOrderedQueryKeepsItsOrder) {
  write_input();
  const Outcome seen =
      run_both({read_step(), query_step("SELECT id FROM df_read ORDER BY id DESC"), write_step("query")}, true);
  EXPECT_TRUE(seen.written.starts_with("id\n59999\n59998\n"));
}

TEST_F(StreamsTest, SeveralReadersShareOneCopy) {
  write_input();
  const Json other = step("other", "duckdb.processor", {"read"}, Json::object({{"query", "SELECT id FROM df_read"}}));
  run_both({read_step(), write_step("read"), other}, false);
}

TEST_F(StreamsTest, RetryTimeoutAndMaterializeAskForACopy) {
  write_input();
  Json query = query_step("SELECT id FROM df_read");
  query.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read_step(), query}).streamed);
  query = query_step("SELECT id FROM df_read");
  query.set("timeout_s", 1000);
  EXPECT_FALSE(run({read_step(), query}).streamed);
  Json read = read_step();
  read.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read, query_step("SELECT id FROM df_read")}).streamed);
  EXPECT_TRUE(run({read_step(), query_step("SELECT id FROM df_read")}).streamed);
}

TEST_F(StreamsTest, QueriesThatDoNotReadAllOnceAreStored) {
  write_input();
  for (const char* query : {"SELECT id FROM df_read LIMIT 5", "SELECT a.id FROM df_read a JOIN df_read b USING (id)",
                            "CREATE TABLE t AS SELECT id FROM df_read; SELECT max(id) AS id FROM t",
                            "SELECT max(id) AS id, current_database() AS place FROM df_read",
                            "SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM df_read WHERE false) OR true"}) {
    SCOPED_TRACE(query);
    std::vector<Json> steps = {read_step(), query_step(query), write_step("query")};
    const Outcome seen = run(steps);
    EXPECT_TRUE(seen.errors.empty());
    steps[0].set("materialize", true);
    const Outcome stored = run(steps);
    EXPECT_EQ(seen.events, stored.events);
    EXPECT_EQ(seen.written, stored.written);
  }
}

TEST_F(StreamsTest, AQueryThatFailsInTheMiddleFailsAsItsStep) {
  write_input([](int row) { return std::string(row == kUnseenRow ? "oops" : "7x"); });
  const Outcome seen =
      run_both({read_step(), query_step("SELECT CAST(replace(note, 'x', '') AS INTEGER) AS n FROM df_read"),
                write_step("query")},
               false);
  EXPECT_EQ(seen.errors.count("read"), 0u);
  EXPECT_THAT(seen.errors.at("query"), HasSubstr("oops"));
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(StreamsTest, AFileThatIsBadAtItsEndFailsTheExtractAndItsReadersWereNeverBegun) {
  write_input([](int) { return std::string("n"); }, "1,2,3,4,5,6\n");
  const Outcome seen = run_both({read_step(), query_step("SELECT id FROM df_read"), write_step("query")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("Expected 4 fields in line 60002, saw 6"));
  EXPECT_TRUE(sink_.event_names("query") == std::vector<std::string>{"step_skipped"});
  EXPECT_FALSE(std::filesystem::exists(directory_ / "session/artifacts/query"));
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(StreamsTest, TextThatIsNotUtf8IsFoundInColumnsThatNobodyReads) {
  write_input([](int row) { return std::string(row == kUnseenRow ? "\xff" : "n"); });
  const Outcome seen = run_both({read_step(), query_step("SELECT id FROM df_read"), write_step("query")}, false);
  EXPECT_EQ(seen.errors.count("read"), 1u);
}

TEST_F(StreamsTest, AWriterThatFailsFailsAsItsStep) {
  write_input([](int row) { return std::string(row == kUnseenRow ? "\xc4\x9b" : "n"); });
  const Outcome seen = run_both({read_step(), write_step("read", Json::object({{"encoding", "latin-1"}}))}, false);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("row 20012, column 'note'"));
  EXPECT_EQ(seen.errors.count("read"), 0u);
}

TEST_F(StreamsTest, ATypeThatWidensUnseenIsRightWhereverItShows) {
  write_input([](int row) { return std::string(row == kUnseenRow ? "late" : "1"); });
  // Read, spoken of, and not spoken of.
  EXPECT_THAT(run_both({read_step(), query_step("SELECT note FROM df_read"), write_step("query")}, false).written,
              HasSubstr("\nlate\n"));
  EXPECT_TRUE(run_both({read_step(), query_step("SELECT typeof(note) AS t, count(*) AS n FROM df_read GROUP BY 1"),
                        write_step("query")},
                       false)
                  .written.ends_with("60000,VARCHAR\n"));
  EXPECT_TRUE(run_both({read_step(), query_step("SELECT id FROM df_read"), write_step("query")}, true).errors.empty());
}

TEST_F(StreamsTest, ASecondInputIsReadFromItsCopy) {
  write_input();
  Json query = step("query", "duckdb.processor", {"other", "read"},
                    Json::object({{"query", "SELECT a.id, b.i FROM df_read a JOIN df_other b ON a.id = b.i"}}));
  const std::vector<Json> steps = {step("other", "produce", {}, Json::object({{"rows", 10}})), read_step(), query,
                                   write_step("query", Json::object({{"column_order", "query"}}))};
  const Outcome seen = run(steps);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n9,9\n"));
}

TEST_F(StreamsTest, TheReadersSqlReachesNoMoreThanBefore) {
  write_input();
  const std::string in = (directory_ / "work/in.csv").string();
  for (const std::string& from : {"read_csv('" + in + "')", "'" + in + "'", "glob('" + in + "')",
                                  std::string("duckdb_functions()"), std::string("read_text('/etc/hostname')")}) {
    SCOPED_TRACE(from);
    const Outcome seen =
        run_both({read_step(), query_step("SELECT a.* FROM df_read, " + from + " a"), write_step("query")}, false);
    EXPECT_EQ(seen.errors.count("query"), 1u);
  }
}

TEST_F(StreamsTest, ACancelStopsTheOneStatement) {
  write_input();
  const std::vector<Json> steps = {
      read_step(), query_step("SELECT count(*) AS n FROM df_read a, range(1000000000) b WHERE a.id * b.range = -1"),
      write_step("query")};
  EXPECT_EQ(run_and_cancel(steps, 0).written, "<none>");
}

}  // namespace
}  // namespace osiris::worker
