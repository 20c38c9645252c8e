// Copies in chunks by a worker in a sandbox: what one adapter has committed, another one goes on from.
#include <gmock/gmock.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/postgres/copies.h"

namespace osiris::e2b_test {
namespace {

using testing::HasSubstr;

class E2bCopies : public e2e::Copies {
 protected:
  E2bCopies() { use_server(project_, server_); }
  Outcome run_by(const std::string& adapter, bool resumes) {
    std::vector<std::string> more = {"--adapter", adapter};
    if (adapter == "e2b") more.emplace_back("--e2b-allow-loopback");
    return run(resumes, std::move(more));
  }
  ServerProcess server_ = start_server();
};

TEST_F(E2bCopies, GoOnByAnyAdapter) {
  for (const auto& [first, second] : {std::pair{"e2b", "e2b"}, {"e2b", "local"}, {"local", "e2b"}}) {
    SCOPED_TRACE(std::string(first) + " then " + second);
    write_pipeline("mysql", "postgres", "write_mode: upsert, primary_key: id");
    fail_after(2000);
    const Outcome failed = run_by(first, false);
    EXPECT_EQ(failed.exit, 1) << failed.out << failed.err;
    EXPECT_THAT(failed.out + failed.err, HasSubstr("osiris run --resume goes on from there"));
    const int there = committed_on("postgres");
    EXPECT_GT(there, 0);
    mend();
    const Outcome resumed = run_by(second, true);
    EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
    EXPECT_EQ(chunks()["reused"].as_int(), there);
    EXPECT_EQ(rows_of("postgres", "target"), rows_of("mysql", "source"));
    EXPECT_EQ(left_on("postgres"), "none\n");
    expect_no_sandbox(server_);
  }
}

}  // namespace
}  // namespace osiris::e2b_test
