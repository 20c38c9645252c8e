// The channel to a process on another machine, on streams of the test's: what it reports, what it survives and when it
// gives the worker up.
#include "plugins/sdk/channel/streamed_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/no_more_threads.h"
#include "tests/unit/sdk/fake_access.h"
#include "tests/unit/sdk/fake_place.h"

namespace osiris::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Cause = Diagnosis::Cause;
using Kind = ReceiveOutcome::Kind;
using namespace std::chrono_literals;

Error no_answer() { return FakePlace::lost(); }
Error no_process() { return fake_error(Code::kNotFound, FailureClass::kNotFound, "no such process"); }
Error input_closed() { return Error(Code::kInvalidState, "its pipe is closed"); }

class StreamedChannelTest : public testing::Test {
 protected:
  StreamedChannelTest() {
    ChannelContext around;
    around.machine_id = "box-1";
    around.is_gone = [this] { return gone_; };
    around.open_records = [this]() -> std::unique_ptr<ByteStream> {
      ++records_opened_;
      if (records_.size() > 1) {
        auto first = std::move(records_.front());
        records_.pop_front();
        return std::make_unique<FakeBytes>(std::move(first));
      }
      return std::make_unique<FakeBytes>(records_.front());
    };
    around.log = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      logs_.push_back(text);
    };
    around.retry_budget = 60s;
    channel_.emplace(service_, access_, waker_, std::move(around));
  }

  FakeStream& stream(size_t index = 0) { return *access_.streams.at(index); }
  void start() {
    channel_->start({});
    stream().start(7);
    ASSERT_EQ(*channel_->started(60s, cancelled_), 7);
  }
  ReceiveOutcome receive() {
    incoming_.clear();
    return channel_->receive(incoming_, 60'000);
  }
  std::vector<std::string> logs() const {
    const std::lock_guard lock(mutex_);
    return logs_;
  }
  void break_stream(Error error = no_answer()) {
    stream().bring(std::move(error));
    ASSERT_EQ(receive().kind, Kind::kBroken);
  }

  const FakeService service_;
  FakeAccess access_;
  const Waker waker_;
  std::atomic<bool> cancelled_{false};
  Result<bool> gone_ = false;
  std::deque<std::deque<Result<std::string>>> records_{{}};  // of each time they are opened
  int records_opened_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> logs_;
  Incoming incoming_;
  std::optional<StreamedChannel> channel_;  // ends before all that it borrows
};

// ---- The start

TEST_F(StreamedChannelTest, AStreamThatDoesNotBeginWithAStartIsRefused) {
  for (const int64_t pid : {int64_t{0}, int64_t{-1}}) {
    access_.streams = {std::make_shared<FakeStream>()};
    channel_->start({});
    stream().start(pid);
    EXPECT_THAT(channel_->started(60s, cancelled_).error().message, HasSubstr("does not begin with a start event"));
  }
  access_.streams = {std::make_shared<FakeStream>()};
  channel_->start({});
  stream().output("hello");
  EXPECT_FALSE(channel_->started(60s, cancelled_).ok());
}

TEST_F(StreamedChannelTest, AStartThatDoesNotComeInTimeIsACreationTimeout) {
  channel_->start({});
  EXPECT_EQ(channel_->started(1ms, cancelled_).error().category, "fake.CreationTimeout");
}

TEST_F(StreamedChannelTest, ACancelEndsTheWaitForTheStart) {
  channel_->start({});
  cancelled_ = true;
  EXPECT_EQ(channel_->started(60s, cancelled_).error().code, Code::kCancelled);
}

TEST_F(StreamedChannelTest, AStartThatFailsIsItsError) {
  channel_->start({});
  stream().bring(no_answer());
  EXPECT_EQ(channel_->started(60s, cancelled_).error().message, "no answer");
}

// ---- What comes

TEST_F(StreamedChannelTest, OutputAndLogArriveApartAndInOrder) {
  start();
  stream().output("a");
  stream().log("l");
  stream().output("b");
  std::string output, log;
  while (output.size() + log.size() < 3) {
    ASSERT_EQ(receive().kind, Kind::kBytes);
    output += incoming_.output;
    log += incoming_.log;
  }
  EXPECT_EQ(output, "ab");
  EXPECT_EQ(log, "l");
}

TEST_F(StreamedChannelTest, ASilenceBreaksNothing) {
  start();
  stream().bring(Error(Code::kDeadline, "nothing came"));
  stream().output("then this");
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_EQ(incoming_.output, "then this");
}

TEST_F(StreamedChannelTest, TheEndComesAfterTheLastBytes) {
  start();
  stream().output("last words");
  stream().end(ExitInfo::Kind::kExited, 3);
  EXPECT_EQ(receive().kind, Kind::kBytes);
  const ReceiveOutcome ended = receive();
  ASSERT_EQ(ended.kind, Kind::kClosed);
  EXPECT_EQ(ended.exit->describe(), "exited with status 3");
  EXPECT_EQ(channel_->diagnose().cause, Cause::kEnded);
  EXPECT_EQ(channel_->diagnose().exit->status, 3);
}

TEST_F(StreamedChannelTest, ABrokenStreamSaysWhy) {
  start();
  stream().output("half a rec");
  stream().bring(no_answer());
  EXPECT_EQ(receive().kind, Kind::kBytes);
  const ReceiveOutcome broken = receive();
  ASSERT_EQ(broken.kind, Kind::kBroken);
  EXPECT_EQ(broken.error->message, "no answer");
}

TEST_F(StreamedChannelTest, AWakeIsToldOnce) {
  start();
  waker_.wake();
  EXPECT_EQ(receive().kind, Kind::kWoken);
  EXPECT_EQ(channel_->receive(incoming_, 0).kind, Kind::kTimeout);
}

TEST_F(StreamedChannelTest, ASlowListenerHoldsTheStreamUp) {
  start();
  const std::string half(600 << 10, 'x');
  for (int i = 0; i < 4; ++i) stream().output(half);
  // Two fill the queue; the third is in the reader's hand.
  EXPECT_TRUE(test::eventually([&] { return stream().left() == 1; }));
  size_t bytes = 0;
  while (bytes < 4 * half.size()) {
    ASSERT_EQ(receive().kind, Kind::kBytes);
    EXPECT_LE(incoming_.output.size(), 2 * half.size());
    bytes += incoming_.output.size();
  }
}

// ---- What goes

TEST_F(StreamedChannelTest, InputIsSentInOrder) {
  start();
  ASSERT_TRUE(channel_->send("one ").ok());
  ASSERT_TRUE(channel_->send("two").ok());
  EXPECT_TRUE(test::eventually([&] { return access_.sent() == "one two"; }));
}

TEST_F(StreamedChannelTest, InputThatCannotBeSentEndsTheWorkerAsLost) {
  access_.refuses_input = no_answer();
  start();
  ASSERT_TRUE(channel_->send("x").ok());
  const ReceiveOutcome lost = receive();
  ASSERT_EQ(lost.kind, Kind::kClosed);
  EXPECT_EQ(lost.exit->kind, ExitInfo::Kind::kLost);
  EXPECT_EQ(lost.exit->error->message, "no answer");
  EXPECT_EQ(lost.exit->error_class, "NetworkError");
  EXPECT_THAT(logs(), ElementsAre("could not send to the worker: no answer"));
  EXPECT_EQ(channel_->send("more").error().message, "no answer");
}

TEST_F(StreamedChannelTest, InputRefusedByAWorkerThatEndsIsNoLossForItsStreamTellsHow) {
  access_.refuses_input = input_closed();
  access_.listed = std::vector<int64_t>{6};
  start();
  ASSERT_TRUE(channel_->send("x").ok());
  EXPECT_TRUE(test::eventually([&] { return !channel_->send("y").ok(); }));
  stream().end(ExitInfo::Kind::kSignaled, 9);
  EXPECT_EQ(receive().exit->kind, ExitInfo::Kind::kSignaled);
}

TEST_F(StreamedChannelTest, InputRefusedByAWorkerThatStaysIsALoss) {
  access_.refuses_input = input_closed();
  start();
  ASSERT_TRUE(channel_->send("x").ok());
  EXPECT_EQ(receive().exit->kind, ExitInfo::Kind::kLost);
}

TEST_F(StreamedChannelTest, AKillThatFailsIsSaid) {
  start();
  channel_->kill();
  EXPECT_THAT(logs(), IsEmpty());
  access_.killed = no_answer();
  channel_->kill();
  EXPECT_EQ(access_.kills(), 2u);
  EXPECT_THAT(logs(), ElementsAre("could not kill the worker: no answer"));
}

// ---- Why nothing comes

TEST_F(StreamedChannelTest, ASilentWorkerIsListenedToAnewOncePerSilence) {
  start();
  EXPECT_EQ(channel_->diagnose().cause, Cause::kNetwork) << "a new stream is tried";
  EXPECT_EQ(channel_->diagnose().cause, Cause::kAlive);
  stream().output("x");
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_EQ(channel_->diagnose().cause, Cause::kNetwork) << "something was heard in between";
}

TEST_F(StreamedChannelTest, AWorkerThatIsNotListedHasEnded) {
  access_.listed = std::vector<int64_t>{};
  start();
  EXPECT_EQ(channel_->diagnose().cause, Cause::kAlive) << "the open stream brings its end";
  EXPECT_THAT(channel_->diagnose().note, HasSubstr("its end is on the way"));
  break_stream();
  EXPECT_EQ(channel_->diagnose().cause, Cause::kNetwork) << "a new stream tells how";
}

TEST_F(StreamedChannelTest, ADaemonThatCannotListIsStillAlive) {
  access_.listed = no_answer();
  start();
  EXPECT_EQ(channel_->diagnose().note, "boxd answers");
}

TEST_F(StreamedChannelTest, AMachineIsGoneOnlyOnceItsServiceSaysSo) {
  start();
  for (const Result<bool>& alive : {Result<bool>(false), Result<bool>(no_answer())}) {
    access_.alive = alive;
    gone_ = false;
    EXPECT_EQ(channel_->diagnose().cause, Cause::kNetwork);
    EXPECT_EQ(channel_->diagnose().note, "the box is listed but its boxd does not answer");
    gone_ = no_answer();
    EXPECT_EQ(channel_->diagnose().cause, Cause::kNetwork);
    EXPECT_THAT(channel_->diagnose().note, HasSubstr("neither boxd nor the control plane can be reached"));
    gone_ = true;
    const Diagnosis gone = channel_->diagnose();
    EXPECT_EQ(gone.cause, Cause::kGone);
    EXPECT_THAT(gone.exit->error->message, HasSubstr("box box-1 is gone"));
  }
}

TEST_F(StreamedChannelTest, TheFirstWordOfALossCounts) {
  start();
  channel_->declare_lost(no_answer());
  channel_->declare_lost(no_process());
  EXPECT_EQ(receive().exit->error->message, "no answer");
  EXPECT_EQ(channel_->diagnose().cause, Cause::kGone);
}

// ---- A new stream

TEST_F(StreamedChannelTest, ANewStreamGoesOn) {
  access_.streams.push_back(std::make_shared<FakeStream>());
  start();
  break_stream();
  stream(1).start(7);
  ASSERT_TRUE(channel_->reopen().ok());
  stream(1).output("again");
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_EQ(incoming_.output, "again");
}

TEST_F(StreamedChannelTest, AStreamThatCannotBeOpenedYetIsTriedLater) {
  access_.streams.push_back(std::make_shared<FakeStream>());
  start();
  break_stream();
  stream(1).bring(no_answer());
  EXPECT_FALSE(channel_->reopen().ok());
  EXPECT_EQ(channel_->receive(incoming_, 0).kind, Kind::kBroken) << "and nothing is decided";
}

TEST_F(StreamedChannelTest, AWorkerThatEndedWhileItsStreamWasBrokenCrashed) {
  access_.streams.push_back(std::make_shared<FakeStream>());
  start();
  break_stream();
  stream(1).bring(no_process());
  ASSERT_TRUE(channel_->reopen().ok());
  const ReceiveOutcome ended = receive();
  ASSERT_EQ(ended.kind, Kind::kClosed);
  EXPECT_EQ(ended.exit->error_class, "WorkerCrash");
  EXPECT_THAT(ended.exit->error->message, HasSubstr("the worker in box box-1 ended while the connection was broken"));
}

TEST_F(StreamedChannelTest, AStreamThatIsRefusedIsNotAskedForAgain) {
  access_.streams.push_back(std::make_shared<FakeStream>());
  start();
  break_stream();
  stream(1).bring(FakePlace::refused());
  ASSERT_TRUE(channel_->reopen().ok());
  EXPECT_EQ(receive().exit->error_class, "AuthError");
}

// ---- Records of a worker that has ended

TEST_F(StreamedChannelTest, RecordsAreFetchedWhole) {
  records_ = {{std::string("one"), std::string("two")}};
  EXPECT_EQ(*channel_->fetch_records(1), "onetwo");
}

TEST_F(StreamedChannelTest, RecordsThatBreakOffAreFetchedFromTheirBeginning) {
  records_ = {{std::string("one"), no_answer()},
              {std::string("on"), Error(Code::kDeadline, "nothing came")},
              {std::string("one"), std::string("two")}};
  EXPECT_EQ(*channel_->fetch_records(1), "onetwo");
  EXPECT_EQ(records_opened_, 3);
}

TEST_F(StreamedChannelTest, RecordsThatAreNotThereOrRefusedAreNotAskedForAgain) {
  for (const Error& error : {no_process(), FakePlace::refused()}) {
    records_ = {{error}};
    records_opened_ = 0;
    EXPECT_EQ(channel_->fetch_records(1).error().message, error.message);
    EXPECT_EQ(records_opened_, 1);
  }
}

TEST_F(StreamedChannelTest, ACancelEndsTheWaitForRecords) {
  records_ = {{no_answer()}};
  waker_.wake();
  EXPECT_EQ(channel_->fetch_records(1).error().message, "no answer");
  EXPECT_EQ(records_opened_, 1);
}

// ---- Without threads

TEST_F(StreamedChannelTest, WithoutASenderWhatIsSentIsSentAtOnce) {
  const NoMoreThreads none;
  StreamedChannel channel(service_, access_, waker_, {});
  EXPECT_TRUE(channel.send("input").ok());
  EXPECT_EQ(access_.sent(), "input");
}

TEST_F(StreamedChannelTest, WithoutAReaderItDoesNotStart) {
  channel_->start({});
  stream().start(7);
  const NoMoreThreads none;
  const auto started = channel_->started(60s, cancelled_);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("the machine has no more threads"));
}

TEST_F(StreamedChannelTest, WithoutAReaderItIsNotOpenedAgain) {
  access_.streams.push_back(std::make_shared<FakeStream>());
  start();
  break_stream();
  stream(1).start(7);
  const NoMoreThreads none;
  EXPECT_FALSE(channel_->reopen().ok());
}

}  // namespace
}  // namespace osiris::sdk
