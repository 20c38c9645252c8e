// Rows of PostgREST that are read by the statement of another step, beside the same steps that store them.
#include <gmock/gmock.h>

#include "tests/drivers/supabase/steps.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

class SupabaseStreams : public StreamsFixture {
 protected:
  SupabaseStreams() : StreamsFixture({&supabase_extractor(), &duckdb_processor(), &filesystem_csv_writer()}) {
    add_connection("supabase", "shop", test::api_fields());
    test::shop_api().on_request({});
    test::in_shop(
        "DROP TABLE IF EXISTS streamed; CREATE TABLE streamed (id bigint PRIMARY KEY, name text, part float8);"
        "INSERT INTO streamed SELECT n, 'name ' || n, n / 8.0 FROM generate_series(1, 5000) AS n");
  }

  void clear() override { std::filesystem::remove(directory_ / "work/out.csv"); }
  std::string written() override {
    const auto file = read_file(directory_ / "work/out.csv");
    return file.ok() ? *file : "<none>";
  }
  static Json read_step() {
    Json made = step("read", "supabase.extractor", {}, Json::object({{"table", "streamed"}, {"retries", 0}}));
    made.set("connection", "@supabase.shop");
    return with_mode(std::move(made), "extract");
  }
  static Json write_step(const std::string& from) {
    return with_mode(step("write", "filesystem.csv_writer", {from}, Json::object({{"path", "out.csv"}})), "write");
  }
};

TEST_F(SupabaseStreams, PagesAreReadByAWriterAndByAQuery) {
  EXPECT_TRUE(run_both({read_step(), write_step("read")}, true).errors.empty());
  const Outcome seen = run_both(
      {read_step(), query_step("SELECT id, part * 2 AS twice FROM df_read WHERE id % 2 = 0"), write_step("query")},
      true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n5000,1250.0\n"));
}

TEST_F(SupabaseStreams, AServerThatFailsInTheMiddleFailsTheExtract) {
  test::shop_api().on_request([](const test::RestRequest& request, size_t) -> std::optional<test::RestFault> {
    if (request.parameter("and").empty()) return std::nullopt;
    return test::answering(500, R"({"code":"XX000","message":"lost","details":null,"hint":null})");
  });
  const Outcome seen = run_both({read_step(), write_step("read")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("lost"));
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SupabaseStreams, AReaderThatFailsDoesNotAskAgain) {
  const size_t before = test::shop_api().requests().size();
  const Outcome seen =
      run_both({read_step(), query_step("SELECT CAST(name AS INTEGER) AS n FROM df_read"), write_step("query")}, false);
  EXPECT_EQ(seen.errors.count("query"), 1u);
  const size_t asked = test::shop_api().requests().size() - before;
  EXPECT_EQ(asked % 2, 0u) << "the stream asked as often as the copy";
}

}  // namespace
}  // namespace osiris::worker
