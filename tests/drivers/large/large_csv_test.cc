// Ten million rows, over half a gigabyte, through extractor, SQL and writer under a 512 MiB memory limit: every row
// counted, sums as the generator made them, spill used. That the worker's memory stays within the limit and 128 MiB is
// tested where the worker is the process (tests/worker/memory_test.cc).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "protocol/base/json.h"
#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker::test {
namespace {

Json generate(const std::filesystem::path& file, const std::string& arguments) {
  const std::string command = std::string(std::getenv("OSIRIS_GEN_CSV")) + " '" + file.string() + "' " + arguments;
  std::FILE* pipe = popen(command.c_str(), "r");
  char line[512] = {};
  if (!std::fgets(line, sizeof line, pipe)) line[0] = '\0';
  EXPECT_EQ(pclose(pipe), 0) << command;
  const auto facts = parse_json(line);
  EXPECT_TRUE(facts.ok()) << line;
  return facts.ok() ? *facts : Json();
}

TEST(LargeCsv, TheGeneratorIsDeterministic) {
  StepHarness step;
  for (const char* name : {"a.csv", "b.csv"}) generate(step.work_dir() / name, "1000 100 7");
  generate(step.work_dir() / "c.csv", "1000 100 8");
  EXPECT_EQ(step.read_file("a.csv"), step.read_file("b.csv"));
  EXPECT_NE(step.read_file("a.csv"), step.read_file("c.csv"));
}

TEST(LargeCsv, TenMillionRowsSpillAndStayExact) {
  StepHarness step("load", {{"memory_limit", "512MiB"}});
  const Json facts = generate(step.work_dir() / "big.csv", "10000000 1000000");
  ASSERT_GE(facts["bytes"].as_uint(), 500000000u);
  step.set_config({{"path", "big.csv"}});
  const auto read = step.run(filesystem_csv_extractor());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->rows_read, 10000000u);
  EXPECT_EQ(step.output_columns(),
            "order_id BIGINT, customer VARCHAR, quantity BIGINT, amount DOUBLE, ordered_at VARCHAR, note VARCHAR");
  EXPECT_EQ(step.query("SELECT count(*), sum(quantity), count(*) - count(quantity), count(*) - count(note), "
                       "sum(CAST(round(amount * 100) AS BIGINT)), bool_and(order_id = rowid + 1) FROM {out}"),
            "10000000|" + facts["quantity_sum"].dump() + "|" + facts["quantity_nulls"].dump() + "|" +
                facts["note_nulls"].dump() + "|" + facts["amount_cents_sum"].dump() + "|true\n");

  // A second relation beside the first is more than the limit holds.
  step.sql("CREATE TABLE second AS SELECT customer, quantity, note FROM " + step.output_table().quoted());
  EXPECT_EQ(step.query("SELECT sum(size) > 0 FROM duckdb_temporary_files()"), "true\n") << "the limit was not felt";
  step.add_input("grouped", "SELECT customer, count(*) AS n, sum(quantity) AS quantity FROM second GROUP BY customer");
  step.set_config({{"path", "out.csv"}});
  const auto written = step.run(filesystem_csv_writer());
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->rows_written, 1000000u);
}

}  // namespace
}  // namespace osiris::worker::test
