// `osiris diff FILE --adapter local,e2b`: the parity of the two as one command.
#include <gmock/gmock.h>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class DiffOfAdapters : public testing::Test {
 protected:
  DiffOfAdapters() : server_(start_server()) {
    use_server(project_, server_);
    project_.write("in.csv", "id,name\n1,one\n2,two\n");
    project_.write(
        "pipeline.yaml",
        e2e::oml("shop",
                 {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                  "  - {id: pick, component: duckdb.processor, mode: transform, needs: [read], config: {query: "
                  "\"SELECT id, name, id * 2 AS twice FROM df_read ORDER BY id\"}}\n",
                  "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [pick], config: {path: "
                  "out/a.csv}}\n",
                  "  - {id: pack, component: filesystem.parquet_writer, mode: write, needs: [pick], config: {path: "
                  "out/a.parquet}}\n"}));
  }

  ServerProcess server_;
  Project project_;
};

TEST_F(DiffOfAdapters, IsTheProofOfParity) {
  const Outcome outcome = project_.osiris({"diff", "pipeline.yaml", "--adapter", "local,e2b"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("Events: the same"), HasSubstr("Outputs: the same bytes in 2 files"),
                                 HasSubstr("✓ The runs are the same")));
  expect_no_sandbox(server_);
}

TEST_F(DiffOfAdapters, TellsWhatOneOfThemDoesOtherwise) {
  project_.write(
      "pipeline.yaml",
      e2e::oml("other", {"  - {id: ask, component: duckdb.processor, mode: transform, config: {query: \"SELECT "
                         "1 AS id, uuid()::VARCHAR AS once\"}}\n",
                         "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [ask], "
                         "config: {path: out/a.csv}}\n"}));
  const Outcome outcome = project_.osiris({"diff", "pipeline.yaml", "--adapter", "local,e2b"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("✗ The runs differ"));
  expect_no_sandbox(server_);
}

TEST_F(DiffOfAdapters, ShowRunsWhereItIsTold) {
  ASSERT_EQ(project_.osiris({"run", "pipeline.yaml"}).exit, 0);
  const Outcome outcome = project_.osiris({"show", "pick", "--adapter", "e2b", "--json"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["shown"].dump(), R"([["1","one","2"],["2","two","4"]])");
  expect_no_sandbox(server_);
}

}  // namespace
}  // namespace osiris::e2b_test
