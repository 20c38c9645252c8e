// Many runs over one stream: each channel hears its own, and what a broken stream lost is asked for again.
#include "plugins/sdk/channel/worker_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/support/eventually.h"
#include "tests/unit/sdk/fake_access.h"
#include "tests/unit/sdk/fake_place.h"

namespace osiris::sdk {
namespace {

using ::testing::HasSubstr;
using Kind = ReceiveOutcome::Kind;
using namespace std::chrono_literals;

constexpr const char* kOpening = "{\"id\":\"req_1\",\"method\":\"prepare\"}\n{\"id\":\"req_2\",\"method\":\"pack\"}\n";

class WorkerRelayTest : public testing::Test {
 protected:
  WorkerRelayTest() {
    ChannelContext around;
    around.machine_id = "box-1";
    around.is_gone = [] { return Result<bool>(false); };
    around.log = [](const std::string&) {};
    relay_.emplace(service_, access_, waker_, std::move(around), [this](const std::string& path) {
      fetched_.push_back(path);
      return std::make_unique<FakeBytes>(std::deque<Result<std::string>>{std::string("records")});
    });
    access_.streams = {std::make_shared<FakeStream>(), std::make_shared<FakeStream>()};
    relay_->start({});
    access_.streams[0]->start(7);
    EXPECT_TRUE(relay_->started(60s, cancelled_));
  }
  std::unique_ptr<RelayedChannel> channel() {
    return relay_->next({"/runs/a", "/runs/a/package", "PACKAGE", "/runs/a/result", "/runs/a/records"});
  }
  // What comes of the run, as far as it is there.
  static std::pair<Kind, std::string> receive(RelayedChannel& channel) {
    Incoming incoming;
    const ReceiveOutcome outcome = channel.receive(incoming, 60'000);
    return {outcome.kind, incoming.output};
  }
  std::string sent(size_t size) {
    EXPECT_TRUE(test::eventually([&] { return access_.sent().size() >= size; }));
    return access_.sent();
  }

  const FakeService service_;
  FakeAccess access_;
  const Waker waker_;
  std::atomic<bool> cancelled_{false};
  std::vector<std::string> fetched_;
  std::optional<WorkerRelay> relay_;  // ends before all that it borrows
};

TEST_F(WorkerRelayTest, ARunIsHandedOverInOneCall) {
  size_t calls = 0;
  access_.on_input = [&](std::string_view) { ++calls; };
  const auto run = channel();
  EXPECT_EQ(access_.sent(), "") << "before its opening";
  ASSERT_TRUE(run->send(kOpening));
  const std::string bytes = sent(100);
  const size_t end = bytes.find('\n');
  const auto header = parse_json(bytes.substr(0, end));
  ASSERT_TRUE(header);
  EXPECT_EQ((*header)["run"].as_int(), 1);
  EXPECT_EQ((*header)["directory"].as_string(), "/runs/a");
  EXPECT_EQ((*header)["answer"].as_string(), "req_2") << "the last request";
  EXPECT_EQ((*header)["package"].as_int(), 7);
  EXPECT_EQ((*header)["input"].as_int(), static_cast<int64_t>(std::string(kOpening).size()));
  EXPECT_EQ(bytes.substr(end + 1), "PACKAGE" + std::string(kOpening));
  EXPECT_EQ(calls, 1u);
}

TEST_F(WorkerRelayTest, EachRunHearsItsOwn) {
  const auto first = channel(), second = channel();
  access_.streams[0]->output("1 {\"a\":1}\n2 {\"b\"");
  access_.streams[0]->output(":2}\nnonsense\n9 {}\n1 !{\"exit\":0}\n");
  std::string output;
  ReceiveOutcome outcome;
  do {
    Incoming incoming;
    outcome = first->receive(incoming, 60'000);
    output += incoming.output;
  } while (outcome.kind != Kind::kClosed);
  EXPECT_EQ(output, "{\"a\":1}\n");
  EXPECT_EQ(outcome.exit->kind, ExitInfo::Kind::kExited);
  EXPECT_EQ(receive(*second), std::pair(Kind::kBytes, std::string("{\"b\":2}\n")));
}

TEST_F(WorkerRelayTest, HowAWorkerEndedIsItsRunsAlone) {
  const auto first = channel(), second = channel();
  access_.streams[0]->output("1 !{\"signal\":9}\n2 !{\"error\":\"no space left\"}\n");
  Incoming incoming;
  const ReceiveOutcome killed = first->receive(incoming, 60'000);
  ASSERT_EQ(killed.kind, Kind::kClosed);
  EXPECT_EQ(killed.exit->status, 9);
  const ReceiveOutcome failed = second->receive(incoming, 60'000);
  ASSERT_EQ(failed.kind, Kind::kClosed);
  EXPECT_THAT(failed.exit->error->message, HasSubstr("no space left"));
}

TEST_F(WorkerRelayTest, WhatARunPackedIsHereWithItsAnswer) {
  const auto run = channel();
  access_.streams[0]->output("1 =" + base64("bytes") + "\n1 {\"id\":\"req_2\"}\n");
  EXPECT_EQ(receive(*run).second, "{\"id\":\"req_2\"}\n");
  EXPECT_EQ(run->take_result(), "bytes");
  EXPECT_EQ(run->take_result(), std::nullopt);
}

TEST_F(WorkerRelayTest, AResultLargerThanWasAskedForIsDropped) {
  const auto run = channel();
  access_.streams[0]->output("1 =" + std::string(WorkerRelay::kResultBytesMax * 2, 'A') + "\n1 {}\n");
  Incoming incoming;
  while (incoming.output.empty()) run->receive(incoming, 60'000);
  EXPECT_EQ(run->take_result(), std::nullopt);
}

TEST_F(WorkerRelayTest, AfterABreakHalfALineIsSkippedAndTheNextRunAsksAgain) {
  const auto first = channel(), second = channel();
  access_.streams[0]->output("1 {\"a\":");
  EXPECT_EQ(receive(*first).first, Kind::kTimeout) << "nothing whole";
  access_.streams[0]->bring(FakePlace::lost());
  ASSERT_EQ(receive(*first).first, Kind::kBroken);
  access_.streams[1]->start(7);
  ASSERT_TRUE(first->reopen());
  access_.streams[1]->output("2 {\"of half a line\":1}\n1 {\"a\":2}\n2 {\"b\":1}\n");
  EXPECT_EQ(receive(*first), std::pair(Kind::kBytes, std::string("{\"a\":2}\n")));
  EXPECT_EQ(receive(*second).first, Kind::kBroken) << "what came meanwhile is lost";
  EXPECT_EQ(receive(*second), std::pair(Kind::kBytes, std::string("{\"b\":1}\n")));
}

TEST_F(WorkerRelayTest, RecordsOfARunAreFetchedFromItsOwnLog) {
  const auto run = channel();
  EXPECT_EQ(*run->fetch_records(1), "records");
  EXPECT_EQ(fetched_, std::vector<std::string>{"/runs/a/records"});
}

TEST_F(WorkerRelayTest, ARunThatWasNeverHandedOverEndsAtOnce) {
  const auto run = channel();
  run->kill();
  EXPECT_EQ(receive(*run).first, Kind::kClosed);
  EXPECT_EQ(access_.sent(), "");
}

TEST_F(WorkerRelayTest, AKillIsForTheRunAlone) {
  const auto run = channel();
  ASSERT_TRUE(run->send(kOpening));
  const size_t before = sent(100).size();
  run->kill();
  EXPECT_EQ(sent(before + 10).substr(before), "{\"run\":1,\"kill\":true}\n");
  EXPECT_EQ(access_.kills(), 0u);
}

TEST_F(WorkerRelayTest, WhatIsGivenUpBeforeItsTurnIsSaidAtOnce) {
  bool was_dropped = false;
  const auto first = channel();
  const auto second = relay_->next({"/runs/b", "", "", "", "", {}, [&] { was_dropped = true; }});
  ASSERT_TRUE(second->send(kOpening));
  const size_t before = sent(100).size();
  second->drop();
  EXPECT_EQ(sent(before + 10).substr(before), "{\"run\":2,\"drop\":true}\n");
  access_.streams[0]->output("2 -\n1 {}\n");
  EXPECT_EQ(receive(*first).second, "{}\n");
  EXPECT_TRUE(was_dropped) << "while another one is listened to";
  EXPECT_EQ(receive(*second).first, Kind::kClosed);
}

TEST_F(WorkerRelayTest, TheEndOfTheRelayEndsEveryRun) {
  const auto first = channel(), second = channel();
  access_.streams[0]->end(ExitInfo::Kind::kSignaled, 9);
  for (RelayedChannel* each : {first.get(), second.get()}) EXPECT_EQ(receive(*each).first, Kind::kClosed);
}

}  // namespace
}  // namespace osiris::sdk
