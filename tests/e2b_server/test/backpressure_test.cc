// One process as the server keeps it, its pipes held by the test: what a slow reader, a deadline and an early end of
// the output do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>

#include "servers/e2b/process.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class HeldProcess : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<FileDescriptor> theirs;
    for (FileDescriptor* end : {&out_, &err_}) {
      int ends[2];
      ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
      theirs.emplace_back(ends[0]);
      *end = FileDescriptor(ends[1]);
      ::fcntl(end->get(), F_SETFL, O_NONBLOCK);
    }
    process_ = std::make_unique<Process>(7, ProcessConfig{}, std::move(theirs), [this] { ++kills_; });
  }

  // Until nobody takes any more.
  size_t fill(FileDescriptor& fd) {
    const std::string block(32 * 1024, 'x');
    size_t total = 0;
    pollfd room{fd.get(), POLLOUT, 0};
    while (::poll(&room, 1, 300) > 0)
      for (ssize_t count; (count = ::write(fd.get(), block.data(), block.size())) > 0;)
        total += static_cast<size_t>(count);
    return total;
  }

  FileDescriptor out_, err_;
  std::atomic<int> kills_{0};
  std::unique_ptr<Process> process_;
};

TEST_F(HeldProcess, ASlowReaderHoldsTheProcessAfterSixtyFourEvents) {
  const auto reader = process_->subscribe();
  process_->start(std::nullopt);
  const size_t taken = fill(out_);
  EXPECT_LE(taken, (64 + 1) * 32u * 1024 + 2 * 65536) << "64 events, one in hand, one pipe";
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(reader->take());
  pollfd room{out_.get(), POLLOUT, 0};
  EXPECT_EQ(::poll(&room, 1, 60'000), 1) << "whoever reads lets it go on";
}

TEST_F(HeldProcess, WithoutAReaderEverythingIsTakenAndThrownAway) {
  process_->start(std::nullopt);
  const std::string block(32 * 1024, 'x');
  for (size_t total = 0; total < (64u << 20);) {
    pollfd room{out_.get(), POLLOUT, 0};
    ASSERT_EQ(::poll(&room, 1, 60'000), 1);
    const ssize_t count = ::write(out_.get(), block.data(), block.size());
    if (count > 0) total += static_cast<size_t>(count);
  }
}

TEST_F(HeldProcess, TheDeadlineStrikesAlsoBehindASlowReader) {
  const auto reader = process_->subscribe();
  process_->start(std::chrono::milliseconds(900));
  fill(out_);
  EXPECT_TRUE(eventually([&] { return kills_ == 1; }));
  process_->exited(9);
  process_->unsubscribe(reader);
  EXPECT_TRUE(eventually([&] { return process_->has_ended(); }));
}

TEST_F(HeldProcess, KeepalivesStopWhenBothPipesHaveEndedAndTheProcessHasNot) {
  const auto reader = process_->subscribe();
  process_->start(std::nullopt);
  out_.close();
  EXPECT_TRUE(reader->wants_keepalives());
  err_.close();
  EXPECT_TRUE(eventually([&] { return !reader->wants_keepalives(); }));
  EXPECT_FALSE(process_->subscribe()->wants_keepalives());
  EXPECT_FALSE(process_->has_ended());
  process_->exited(0);
  EXPECT_TRUE(eventually([&] { return process_->has_ended(); }));
}

TEST_F(HeldProcess, ItsEndIsKeptForLateReaders) {
  process_->start(std::nullopt);
  out_.close();
  err_.close();
  process_->exited(3 << 8);
  ASSERT_TRUE(eventually([&] { return process_->has_ended(); }));
  EXPECT_FALSE(process_->is_forgotten());
  const auto late = process_->subscribe();
  ASSERT_TRUE(late->take());
  EXPECT_EQ(late->take()->body["event"]["end"]["exitCode"].as_int(), 3);
  EXPECT_EQ(late->closed(), Subscriber::Closed::kEnded);
}

}  // namespace
}  // namespace osiris::e2b_server
