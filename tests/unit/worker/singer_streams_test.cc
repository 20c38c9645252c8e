// Singer taps that are read by the statement of another step, beside the same steps that store them.
#include <gmock/gmock.h>

#include "tests/drivers/singer.extractor/tap.h"
#include "tests/unit/worker/counting_reader.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// 30,000 users; `at` is the Python expression of a date, by `n`.
std::string users(const std::string& at = "'2024-01-31'", const std::string& end = "") {
  return "print('started', file=open('" + std::string("{starts}") +
         "', 'a'))\n"
         "schema(id=INTEGER, name=TEXT, at={'type': 'string', 'format': 'date'})\n"
         "for n in range(30000): sys.stdout.write(json.dumps({'type': 'RECORD', 'stream': 'users', 'record': {'id': n, "
         "'name': 'user %d' % n, 'at': " +
         at + "}}) + '\\n')\nsay(type='STATE', value={'last': 29999})\n" + end;
}

class SingerStreams : public StreamsFixture {
 protected:
  SingerStreams()
      : StreamsFixture({&singer_extractor(), &duckdb_processor(), &filesystem_csv_writer(), &counting_reader()}) {
    ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);  // a worker's
    const char* build = ::getenv("OSIRIS_BUILD_DIR");
    settings_.set("supervisor", std::string(build ? build : ".") + "/lib/osiris/osiris-worker");
    settings_.set("cache_dir", (directory_ / "cache").string());
  }

  void clear() override { std::filesystem::remove(directory_ / "work/out.csv"); }
  std::string written() override {
    const auto file = read_file(directory_ / "work/out.csv");
    return file.ok() ? *file : "<none>";
  }

  void write_tap(std::string code) {
    const std::string place = "{starts}";
    code.replace(code.find(place), place.size(), (directory_ / "starts").string());
    ASSERT_TRUE(write_file_atomically(directory_ / "work/tap.py", std::string(test::kTapPreamble) + code).ok());
  }
  size_t starts() {
    const auto text = read_file(directory_ / "starts");
    return text.ok() ? static_cast<size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
  }
  static Json read_step() {
    return with_mode(step("read", "singer.extractor", {},
                          Json::object({{"tap", "tap.py"},
                                        {"files", Json::array({"tap.py"})},
                                        {"stream", "users"},
                                        {"discover", false},
                                        {"config", Json::object()}})),
                     "extract");
  }
  static Json write_step(const std::string& from) {
    return with_mode(step("write", "filesystem.csv_writer", {from}, Json::object({{"path", "out.csv"}})), "write");
  }
};

TEST_F(SingerStreams, RecordsAreReadOnceAndTheStateIsKept) {
  write_tap(users());
  const Outcome seen = run_both({read_step(), write_step("read")}, true);
  EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
  EXPECT_THAT(seen.events, Contains(HasSubstr("\"event\":\"step_state\"")));
  EXPECT_EQ(starts(), 2u);
}

TEST_F(SingerStreams, AreNotCopied) {
  write_tap(users());
  EXPECT_TRUE(run({read_step(), with_mode(step("write", "counting.reader", {"read"}), "write")}).errors.empty());
  EXPECT_EQ(counted.copies, 0u);
  EXPECT_EQ(counted.rows, 30000u);
}

TEST_F(SingerStreams, ATapThatFailsAtItsEndFailsTheExtractAndNothingIsWritten) {
  write_tap(users("'2024-01-31'", "sys.exit('no luck')\n"));
  const Outcome seen = run_both({read_step(), write_step("read")}, false);
  EXPECT_EQ(seen.errors.count("read"), 1u);
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SingerStreams, AValueThatIsNoDateIsFoundInAColumnThatNobodyReads) {
  write_tap(users("'2024-01-31' if n != 20000 else 'soon'"));
  const Outcome seen = run_both({read_step(), query_step("SELECT id FROM df_read"), write_step("query")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("record 20001, column 'at': 'soon' is no DATE"));
}

TEST_F(SingerStreams, AReaderThatFailsDoesNotMakeTheTapStartAgain) {
  write_tap(users());
  const Outcome seen =
      run_both({read_step(), query_step("SELECT CAST(name AS INTEGER) AS n FROM df_read"), write_step("query")}, false);
  EXPECT_EQ(seen.errors.count("query"), 1u);
  EXPECT_EQ(starts(), 2u);
}

}  // namespace
}  // namespace osiris::worker
