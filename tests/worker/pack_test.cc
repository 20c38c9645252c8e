// `pack`: what a worker elsewhere sends back. The bytes are read back by tests/unit/e2b/artifacts_test.cc and by every
// run in a sandbox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "tests/support/eventually.h"
#include "tests/worker/worker_fixture.h"

namespace osiris::worker::test {
namespace {

namespace fs = std::filesystem;

class PackTest : public WorkerTest {
 protected:
  // As an adapter opens a run: everything is asked for at once.
  void open(WorkerProcess& worker, Json::Array steps) {
    run(worker, std::move(steps));
    worker.request("finish", "finish");
    worker.request("pack", "pack", Json::object({{"path", archive_.string()}}));
  }

  const fs::path archive_ = session_.directory() / "artifacts.tar.zst";
};

TEST_F(PackTest, HasEveryOutputAndEveryFileOfTheSession) {
  WorkerProcess worker;
  open(worker, {mock_step("one", R"({"write":"one.txt","text":"first"})"),
                mock_step("two", R"({"write":"two.txt","text":"second"})", {"one"})});
  const Json packed = worker.response("pack")["result"];
  EXPECT_EQ(packed["size_bytes"].as_uint(), fs::file_size(archive_));
  std::map<std::string, std::string> outputs;
  std::set<uint64_t> numbers;
  for (const Json& file : packed["files"].items()) {
    numbers.insert(file["number"].as_uint());
    if (file["kind"].as_string() == "output") outputs[file["step_id"].as_string()] = file["sha256"].as_string();
  }
  EXPECT_EQ(outputs, (std::map<std::string, std::string>{{"one", sha256_hex("first")}, {"two", sha256_hex("second")}}));
  EXPECT_EQ(numbers.size(), packed["files"].size());
  EXPECT_GT(numbers.size(), outputs.size()) << "no file of the session";
}

TEST_F(PackTest, BeginsWhenAStepEnds) {
  WorkerProcess worker;
  open(worker, {mock_step("first", R"({"write":"out.txt","text":"done"})"),
                mock_step("second", R"({"hang":"politely"})", {"first"})});
  worker.response("first");
  EXPECT_TRUE(osiris::test::eventually([&] { return fs::exists(archive_); })) << "while the second step runs";
  worker.request("stop", "cancel");
  const Json packed = worker.response("pack")["result"];
  EXPECT_EQ(packed["files"].items().at(0)["path"].as_string(), "out.txt");
  EXPECT_EQ(packed["size_bytes"].as_uint(), fs::file_size(archive_));
}

TEST_F(PackTest, NamesAnOutputThatChangedAfterItsStep) {
  WorkerProcess worker;
  run(worker, {mock_step("one", R"({"write":"one.txt","text":"first"})")});
  worker.response("one");
  ASSERT_TRUE(write_file_atomically(session_.directory() / "one.txt", "other").ok());
  worker.request("finish", "finish");
  worker.request("pack", "pack", Json::object({{"path", archive_.string()}}));
  EXPECT_THAT(worker.response("pack")["error"]["message"].as_string(),
              testing::HasSubstr("output one.txt of step one changed after it was written"));
}

TEST_F(PackTest, SaysWhereItCannotWriteAndWhatWasAskedTwice) {
  WorkerProcess worker;
  run(worker, {mock_step("one", R"({"write":"one.txt","text":"first"})")});
  worker.request("finish", "finish");
  worker.request("bad", "pack", Json::object({{"path", (session_.directory() / "none/a.tar.zst").string()}}));
  EXPECT_THAT(worker.response("bad")["error"]["message"].as_string(), testing::HasSubstr("none/a.tar.zst"));
  worker.request("again", "pack", Json::object({{"path", archive_.string()}}));
  EXPECT_EQ(worker.response("again")["error"]["code"].as_string(), "invalid_state");
}

}  // namespace
}  // namespace osiris::worker::test
