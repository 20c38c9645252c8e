// How far a scan runs ahead of what is written of it.
#include "worker/driver_api/write_pace.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "protocol/base/temporary_directory.h"
#include "tests/support/eventually.h"
#include "worker/database/database.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker {
namespace {

constexpr int kRows = 400'000;
constexpr size_t kThreads = 2;

class WritePaceTest : public ::testing::Test {
 protected:
  WritePaceTest()
      : database_(std::make_shared<Database>(DatabaseOptions{.threads = kThreads, .spill_dir = file("spill")})) {
    connection_ = *database_->connect();
  }
  std::filesystem::path file(const char* name) const { return directory_.path() / name; }
  duckdb::ClientContext& context() { return *reinterpret_cast<duckdb::Connection*>(connection_->handle())->context; }
  // A scan of a file of some fifty blocks, for this connection's statements.
  std::string define_scan() {
    std::ofstream out(file("in.csv"));
    for (int row = 0; row < kRows; ++row) out << row << ',' << std::string(250, 'x') << '\n';
    out.close();
    csv::ScanPlan plan;
    plan.files = {{file("in.csv"), 0}};
    plan.fields = 2;
    plan.columns = {{.name = "a", .field = 0, .kind = csv::Kind::kInteger, .tracker = csv::KindTracker()},
                    {.name = "b", .field = 1, .kind = csv::Kind::kText, .tracker = csv::KindTracker()}};
    return *csv::define_scan(connection_->handle(),
                             std::make_shared<csv::ScanState>(std::move(plan), csv::ScanState::OnUnfit::kStop));
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  std::shared_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(WritePaceTest, AScanWaitsWhileABatchIsWrittenAndSomeBlocksAreTaken) {
  auto pace = duckdb::make_shared_ptr<WritePace>(kThreads);
  context().registered_state->Insert(kWritePace, pace);
  const std::string scan = define_scan();
  std::optional<WritePace::Call> call(*pace);
  std::thread reader(
      [&] { EXPECT_EQ(*connection_->single_number("SELECT count(b) FROM " + scan + "()"), uint64_t{kRows}); });
  EXPECT_TRUE(test::eventually([&] { return pace->taken() == pace->blocks_max(); }));
  EXPECT_EQ(pace->taken(), pace->blocks_max());
  call.reset();
  reader.join();
  EXPECT_GT(pace->taken(), 10 * pace->blocks_max());
}

TEST_F(WritePaceTest, AScanWaitsNoLongerOnceItIsInterrupted) {
  auto pace = duckdb::make_shared_ptr<WritePace>(kThreads);
  context().registered_state->Insert(kWritePace, pace);
  const std::string scan = define_scan();
  const WritePace::Call call(*pace);
  std::atomic<bool> has_failed = false;
  std::thread reader([&] { has_failed = !connection_->single_number("SELECT count(b) FROM " + scan + "()").ok(); });
  EXPECT_TRUE(test::eventually([&] { return pace->taken() == pace->blocks_max(); }));
  duckdb_interrupt(connection_->handle());
  reader.join();
  EXPECT_TRUE(has_failed);
}

TEST_F(WritePaceTest, NothingIsTakenWhileManyBatchesWaitForOneThatIsWritten) {
  WritePace pace(kThreads);
  for (size_t i = 0; i < 2 * kThreads; ++i) pace.add_waiting();
  pace.take(context());  // nothing is being written: waiting would be for ever
  std::optional<WritePace::Call> call(pace);
  std::thread taker([&] { pace.take(context()); });
  EXPECT_EQ(pace.taken(), 1u);
  pace.end_waiting();
  call.reset();
  taker.join();
  EXPECT_EQ(pace.taken(), 2u);
}

}  // namespace
}  // namespace osiris::worker
