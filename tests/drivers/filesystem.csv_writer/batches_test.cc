// Batches are formatted side by side, and nothing of that shows: not in the order of rows, not in errors, not in the
// hash that is made while writing.
#include "protocol/base/sha256.h"
#include "tests/drivers/filesystem.csv_writer/write.h"
#include "worker/drivers/filesystem.csv_writer/row_formatter.h"

namespace osiris::worker::test {
namespace {

TEST(CsvWriterBatches, RowsOfLargeValuesKeepTheirOrder) {
  const std::string text =
      write_csv("SELECT i AS a, repeat('x', 1000) AS b FROM range(60000) t(i)", Json::object({{"header", false}}));
  const std::string tail = "," + std::string(1000, 'x') + "\n";
  std::string expected;
  for (int i = 0; i < 60000; ++i) expected += std::to_string(i) + tail;
  EXPECT_TRUE(text == expected);
}

TEST(CsvWriterBatches, OneThreadWritesTheSameBytes) {
  const auto written = [](const char* threads) {
    StepHarness step("save", {{"threads", threads}});
    step.add_input("rows", "SELECT i AS a, 'n' || i % 1000 AS b, i / 7 AS c FROM range(300000) t(i)");
    step.set_config({{"path", "out.csv"}});
    EXPECT_TRUE(step.run(filesystem_csv_writer()).ok());
    return step.read_file("out.csv");
  };
  EXPECT_TRUE(written("1") == written("4"));
}

TEST(CsvWriterBatches, TheFirstOfManyWrongRowsIsNamed) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(write_csv("SELECT CASE WHEN i > 150000 AND i % 7 = 0 THEN 'ě' ELSE 'e' END AS a FROM range(300000) t(i)",
                        Json::object({{"encoding", "latin-1"}})),
              "error: CSV encoding error (latin-1): row 150004, column 'a': 'ě' (U+011B) cannot be written");
}

TEST(CsvWriterBatches, TheHashMadeWhileWritingIsThatOfTheFile) {
  for (const char* name : {"out.csv", "out.csv.gz", "out.csv.zst", "out.csv.zip"}) {
    StepHarness step("save");
    step.add_input("rows", "SELECT i AS a, 'ů' || i AS b FROM range(200000) t(i)");
    step.set_config({{"path", name}, {"encoding", "utf-16"}});
    ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
    const auto digest = step.outputs().at(0).digest;
    // A zip's head is written last, so the file has to be read.
    ASSERT_EQ(digest.has_value(), std::string(name) != "out.csv.zip");
    if (!digest) continue;
    const std::string bytes = step.read_file(name);
    EXPECT_EQ(digest->size_bytes, bytes.size());
    EXPECT_EQ(digest->sha256, sha256_hex(bytes)) << name;
  }
}

// Three times as much would be gigabytes for a value of one.
TEST(CsvWriterBatches, ALargeValueTakesLittleMoreRoomThanItsText) {
  const std::string plain(1 << 20, 'x'), quotes(1 << 20, '"');
  const csv_out::Options options;
  const std::vector<csv_out::Column> columns = {{.name = "a", .form = csv_out::Form::kText, .expression = {}}};
  csv_out::RowFormatter formatter(options, columns);
  duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_data_chunk chunk = duckdb_create_data_chunk(&type, 1);
  duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, 0);
  duckdb_vector_assign_string_element_len(vector, 0, plain.data(), plain.size());
  duckdb_vector_assign_string_element_len(vector, 1, quotes.data(), quotes.size());
  duckdb_data_chunk_set_size(chunk, 2);
  formatter.use_chunk(chunk);
  EXPECT_LT(formatter.room_for(0), plain.size() + 1000);
  std::string text(formatter.room_for(1), '\0');
  EXPECT_LT(text.size(), 2 * quotes.size() + 1000);
  EXPECT_EQ(static_cast<size_t>(formatter.put_row(1, text.data()) - text.data()), 2 * quotes.size() + 3);
  duckdb_destroy_data_chunk(&chunk);
  duckdb_destroy_logical_type(&type);
}

// Memory of batches is used again, whatever was in it.
TEST(CsvWriterBatches, NothingIsLeftOfABatchThatWasLonger) {
  std::string expected = "a\n";
  for (int i = 0; i < 400000; ++i) expected += (i < 200000 ? std::string(40, 'x') : std::to_string(i)) + "\n";
  EXPECT_TRUE(write_csv("SELECT CASE WHEN i < 200000 THEN repeat('x', 40) ELSE i::VARCHAR END AS a FROM range(400000) "
                        "t(i)",
                        Json::object({})) == expected);
}

}  // namespace
}  // namespace osiris::worker::test
