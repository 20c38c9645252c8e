#include "protocol/rpc/conversation.h"

#include <gtest/gtest.h>

#include "protocol/rpc/params.h"

namespace osiris::rpc {
namespace {

using Order = Conversation::Order;

Record event(uint64_t seq) { return Event{seq, 1, Json::object({{"event", "x"}})}; }
Record answer(const std::string& id, uint64_t seq) { return Response{id, seq, 1, Json::object()}; }

TEST(Conversation, AnswersFindTheirRequestsInAnyOrder) {
  Conversation conversation;
  const Request first = conversation.ask(method::kExecuteStep, Json::object(), "a");
  const Request second = conversation.ask(method::kExecuteStep, Json::object(), "b");
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(conversation.unanswered().size(), 2u);
  EXPECT_EQ(conversation.accept(answer(second.id, 1)).answered->subject, "b");
  EXPECT_EQ(conversation.accept(answer(first.id, 2)).answered->subject, "a");
  EXPECT_TRUE(conversation.unanswered().empty());
}

TEST(Conversation, ASecondAnswerIsUnasked) {
  Conversation conversation;
  const Request request = conversation.ask(method::kPing, Json::object());
  EXPECT_EQ(conversation.accept(answer(request.id, 0)).order, Order::kNext);
  EXPECT_EQ(conversation.accept(answer(request.id, 0)).order, Order::kUnasked);
  EXPECT_EQ(conversation.accept(answer("req_99", 1)).order, Order::kUnasked);
  EXPECT_EQ(conversation.next_seq(), 2u) << "its number is used up all the same";
}

TEST(Conversation, ARecordSeenBeforeIsADuplicate) {
  Conversation conversation;
  EXPECT_EQ(conversation.accept(event(1)).order, Order::kNext);
  EXPECT_EQ(conversation.accept(event(1)).order, Order::kDuplicate);
}

TEST(Conversation, NothingFromBeyondAHoleIsTakenUntilItIsFilled) {
  Conversation conversation;
  EXPECT_EQ(conversation.accept(event(1)).order, Order::kNext);
  EXPECT_EQ(conversation.accept(event(3)).order, Order::kGap);
  const Request replay = conversation.ask_replay();
  EXPECT_EQ(replay.params["from_seq"].as_int(), 2);
  EXPECT_TRUE(conversation.replay_pending());
  EXPECT_EQ(conversation.accept(event(4)).order, Order::kGap);
  EXPECT_EQ(conversation.accept(answer(replay.id, 0)).order, Order::kNext);
  EXPECT_FALSE(conversation.replay_pending());
  for (uint64_t seq = 2; seq <= 4; ++seq) EXPECT_EQ(conversation.accept(event(seq)).order, Order::kNext);
}

TEST(Conversation, AHeartbeatTellsOfALostTail) {
  Conversation conversation;
  conversation.accept(event(1));
  Heartbeat heartbeat;
  heartbeat.last_seq = 1;
  EXPECT_FALSE(conversation.is_behind(heartbeat));
  heartbeat.last_seq = 2;
  EXPECT_TRUE(conversation.is_behind(heartbeat));
}

}  // namespace
}  // namespace osiris::rpc
