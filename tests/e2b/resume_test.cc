// A run in a sandbox is resumed from what it has brought back, and by any adapter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

using testing::ElementsAre;

class E2bResume : public testing::Test {
 protected:
  E2bResume() {
    use_server(project_, server_);
    project_.write("in/a.csv", "k,v\na,1\nb,2\na,3\n");
  }
  void write_pipeline(const std::string& type) {
    const auto sql = [](const std::string& id, const std::string& needs, const std::string& query) {
      return "  - id: " + id + "\n    component: duckdb.processor\n    mode: transform\n    needs: [" + needs +
             "]\n    config: {query: \"" + query + "\"}\n";
    };
    project_.write(
        "pipeline.yaml",
        e2e::oml(
            "sums",
            {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in/a.csv}\n",
             e2e::mock_step("source", "rows: 4"),
             sql("total", "read, source",
                 "SELECT k, sum(v) + (SELECT count(*) FROM df_source) AS v FROM df_read GROUP BY k ORDER BY k"),
             sql("cast", "total", "SELECT CAST(k AS " + type + ") AS k, v FROM input_df"),
             "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [cast]\n    config: "
             "{path: out.csv}\n"}));
  }

  ServerProcess server_ = start_server();
  Project project_;
};

TEST_F(E2bResume, TakesWhatTheSandboxHadDone) {
  for (const auto& [first, second] : {std::pair{"e2b", "e2b"}, {"e2b", "local"}, {"local", "e2b"}}) {
    project_.osiris({"cache", "clear"});
    write_pipeline("INTEGER");
    EXPECT_EQ(project_.osiris(run_arguments(first, {"--keep-outputs"})).exit, 1);
    EXPECT_EQ(project_.osiris({"cache", "show", "--json"}).json()["entries"].size(), 2u) << first;
    write_pipeline("VARCHAR");
    const Outcome resumed = project_.osiris(run_arguments(second, {"--resume"}));
    EXPECT_EQ(resumed.exit, 0) << resumed.err;
    EXPECT_THAT(project_.ran(), ElementsAre("cast", "write")) << first << " then " << second;
    EXPECT_EQ(project_.read("out.csv"), "k,v\na,8\nb,6\n");
    expect_no_sandbox(server_);
  }
}

TEST_F(E2bResume, ARunOfNothingMakesNoSandboxAndNoCall) {
  write_pipeline("VARCHAR");
  ASSERT_EQ(project_.osiris(run_arguments("e2b", {"--keep-outputs"})).exit, 0);
  server_.clear_requests();
  const Outcome again = project_.osiris(run_arguments("e2b", {"--resume", "--json"}));
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_TRUE(project_.ran().empty());
  EXPECT_EQ(server_.requests().size(), 0u) << server_.requests().dump();
  EXPECT_EQ(again.json()["outputs"].size(), 1u);
  // A key is of no use to it either.
  project_.set("E2B_API_KEY", "");
  EXPECT_EQ(project_.osiris(run_arguments("e2b", {"--resume"})).exit, 0);
  project_.write("out.csv", "k,v\nz,9\n");
  EXPECT_NE(project_.osiris(run_arguments("e2b", {"--resume"})).exit, 0) << "its output is not there";
}

}  // namespace
}  // namespace osiris::e2b_test
