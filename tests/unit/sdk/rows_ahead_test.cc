// Rows of shards that go to the first machine while others run.
#include "plugins/sdk/fleet/rows_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "protocol/base/file.h"
#include "tests/support/no_more_threads.h"
#include "tests/unit/sdk/fake_access.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class RowsAheadTest : public testing::Test {
 protected:
  RowsAheadTest() : directory_(fs::path(testing::TempDir()) / ("rows_ahead_" + std::to_string(::getpid()))) {
    fs::create_directories(directory_);
  }
  ~RowsAheadTest() override { fs::remove_all(directory_); }
  std::string file(const std::string& name, const std::string& content) const {
    EXPECT_TRUE(write_file_atomically(directory_ / name, content).ok());
    return (directory_ / name).string();
  }

  const fs::path directory_;
  std::atomic<bool> cancelled_{false};
};

TEST_F(RowsAheadTest, ArriveAndAreFoundByWhereTheyAreHere) {
  const auto machine = std::make_shared<FakeAccess>();
  RowsAhead rows("/far/rows", cancelled_);
  const std::string a = file("a", "rows of a"), b = file("b", std::string(1'000'000, 'b'));
  rows.add(a);  // before there is a machine
  rows.send_to(machine);
  rows.add(b);
  EXPECT_THAT(rows.places_on(*machine), ElementsAre(Pair(a, "/far/rows/1.parquet"), Pair(b, "/far/rows/2.parquet")));
  EXPECT_EQ(machine->uploaded()["/far/rows/1.parquet"], "rows of a");
  EXPECT_EQ(machine->uploaded()["/far/rows/2.parquet"].size(), 1'000'000u);
}

// Holds each upload until it is let through.
class HoldingAccess : public FakeAccess {
 public:
  Result<uint64_t> upload(std::vector<UploadPart> parts, const std::atomic<bool>& cancelled,
                          std::function<void()> opened) override {
    {
      std::unique_lock lock(mutex_);
      sizes_.push_back(parts.size());
      changed_.notify_all();
      changed_.wait(lock, [this] { return is_open_; });
    }
    return FakeAccess::upload(std::move(parts), cancelled, std::move(opened));
  }
  // Whether so many uploads begin.
  bool begin(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return sizes_.size() >= count; });
  }
  // Of each, how many files it has.
  std::vector<size_t> sizes() const {
    const std::lock_guard lock(mutex_);
    return sizes_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  std::vector<size_t> sizes_;
};

TEST_F(RowsAheadTest, GoByThreeRequestsAtTheSameTimeAndTheRestByTheNext) {
  const auto machine = std::make_shared<HoldingAccess>();
  RowsAhead rows("/far/rows", cancelled_);
  rows.send_to(machine);
  for (size_t i = 1; i <= 3; ++i) {
    rows.add(file("file" + std::to_string(i), "rows"));
    EXPECT_TRUE(machine->begin(i)) << "it waits for the one before";
  }
  rows.add(file("d", "rows of d"));
  rows.add(file("e", "rows of e"));
  machine->open();
  EXPECT_EQ(rows.places_on(*machine).size(), 5u);
  EXPECT_EQ(machine->uploaded().size(), 5u);
  const std::vector<size_t> sizes = machine->sizes();
  ASSERT_GE(sizes.size(), 4u) << "a fourth was under way";
  EXPECT_THAT(std::vector<size_t>(sizes.begin(), sizes.begin() + 3), ElementsAre(1u, 1u, 1u));
}

TEST_F(RowsAheadTest, GoToTheMachineThatTakesTheFirstOnesPlace) {
  const auto lost = std::make_shared<FakeAccess>(), next = std::make_shared<FakeAccess>();
  RowsAhead rows("/far/rows", cancelled_);
  const std::string a = file("a", "rows of a");
  rows.send_to(lost);
  rows.add(a);
  EXPECT_EQ(rows.places_on(*lost).size(), 1u);
  rows.send_to(nullptr);
  EXPECT_THAT(rows.places_on(*lost), IsEmpty());
  rows.send_to(next);
  EXPECT_THAT(rows.places_on(*next), ElementsAre(Pair(a, "/far/rows/1.parquet")));
  EXPECT_THAT(rows.places_on(*lost), IsEmpty());
  EXPECT_EQ(next->uploaded().size(), 1u);
}

TEST_F(RowsAheadTest, ThatDoNotArriveAreNowhere) {
  const auto machine = std::make_shared<FakeAccess>();
  machine->refuses_upload = Error(Code::kUnavailable, "no room");
  RowsAhead rows("/far/rows", cancelled_);
  rows.send_to(machine);
  rows.add(file("a", "rows of a"));
  EXPECT_THAT(rows.places_on(*machine), IsEmpty());
  rows.add(file("b", "rows of b"));
  EXPECT_THAT(rows.places_on(*machine), IsEmpty()) << "it is not asked again";
  EXPECT_EQ(machine->uploaded().count("/far/rows/2.parquet"), 0u);
}

TEST_F(RowsAheadTest, WithoutAThreadTravelWithTheUnion) {
  const auto machine = std::make_shared<FakeAccess>();
  RowsAhead rows("/far/rows", cancelled_);
  rows.send_to(machine);
  const NoMoreThreads none;
  rows.add(file("a", "rows of a"));
  EXPECT_THAT(rows.places_on(*machine), IsEmpty());
  rows.send_to(machine);
  EXPECT_THAT(rows.places_on(*machine), IsEmpty());
}

}  // namespace
}  // namespace osiris::sdk
