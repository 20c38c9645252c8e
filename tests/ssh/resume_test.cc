// A run on another machine is resumed from what it has brought back, there or here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ssh/sshd.h"

namespace osiris::ssh_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SshResume : public testing::Test {
 protected:
  SshResume() { project_.write("in.csv", "k,v\na,1\nb,2\na,3\n"); }
  void write_pipeline(const std::string& type) const {
    project_.write(
        "sums.yaml",
        e2e::oml("sums",
                 {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                  "  - {id: total, component: duckdb.processor, mode: transform, needs: [read], config: {query: "
                  "\"SELECT k, sum(v) AS v FROM input_df GROUP BY k ORDER BY k\"}}\n",
                  "  - {id: cast, component: duckdb.processor, mode: transform, needs: [total], config: {query: "
                  "\"SELECT CAST(k AS " +
                      type + ") AS k, v FROM input_df\"}}\n",
                  "  - {id: write, component: filesystem.csv_writer, mode: write, needs: [cast], config: {path: "
                  "out.csv}}\n"}));
  }
  e2e::Outcome run(const std::string& adapter, const std::string& how) const {
    const std::vector<std::string> arguments = {"run", "sums.yaml", how};
    return project_.osiris(adapter == "ssh" ? with_ssh(sshd_, arguments) : arguments);
  }

  e2e::Project project_;
  Sshd sshd_{project_.dir() / "machine"};
};

TEST_F(SshResume, TakesWhatWasDoneThereOrHere) {
  for (const auto& [first, second] : {std::pair{"ssh", "ssh"}, {"ssh", "local"}, {"local", "ssh"}}) {
    SCOPED_TRACE(std::string(first) + " then " + second);
    project_.osiris({"cache", "clear"});
    write_pipeline("INTEGER");
    EXPECT_EQ(run(first, "--keep-outputs").exit, 1);
    write_pipeline("VARCHAR");
    const e2e::Outcome resumed = run(second, "--resume");
    EXPECT_EQ(resumed.exit, 0) << resumed.err;
    EXPECT_THAT(project_.ran(), ElementsAre("cast", "write"));
    EXPECT_EQ(project_.read("out.csv"), "k,v\na,4\nb,2\n");
    EXPECT_THAT(sshd_.names_in(sshd_.runs()), IsEmpty());
  }
}

TEST_F(SshResume, ARunOfNothingOpensNoConnection) {
  write_pipeline("VARCHAR");
  ASSERT_EQ(run("ssh", "--keep-outputs").exit, 0);
  const size_t sessions = sshd_.sessions();
  EXPECT_EQ(run("ssh", "--resume").exit, 0);
  EXPECT_THAT(project_.ran(), IsEmpty());
  EXPECT_EQ(sshd_.sessions(), sessions);
}

}  // namespace
}  // namespace osiris::ssh_tests
