// The gate's bytes: packets and names, without a network.
#include <gtest/gtest.h>

#include "servers/e2b/names.h"
#include "servers/e2b/packet.h"

namespace osiris::e2b_server {
namespace {

constexpr Endpoint kClient{0xc6130001, 40000}, kServer{0xcb007105, 3306};

Packet parsed(const std::string& bytes) {
  const auto packet = parse_packet(bytes);
  EXPECT_TRUE(packet);
  return packet.value_or(Packet());
}

TEST(Packets, ComeBackAsTheyWereWritten) {
  const Packet tcp = parsed(tcp_packet(kClient, kServer, 7, 9, TcpFlags::kSyn));
  EXPECT_EQ(tcp.kind, Packet::Kind::kTcp);
  EXPECT_EQ(tcp.source.address, kClient.address);
  EXPECT_EQ(tcp.destination.port, 3306);
  EXPECT_EQ(tcp.sequence, 7u);
  EXPECT_EQ(tcp.acknowledged, 9u);
  EXPECT_EQ(tcp.flags, TcpFlags::kSyn);
  const std::string bytes = udp_packet(kClient, kServer, "abc");
  EXPECT_EQ(parsed(bytes).payload, "abc");
}

TEST(Packets, ThatAreCutOrStrangeAreNone) {
  const std::string whole = tcp_packet(kClient, kServer, 7, 9, TcpFlags::kSyn);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_packet(std::string_view(whole).substr(0, size))) << size;
  std::string other = whole;
  other[0] = '\x65';
  EXPECT_FALSE(parse_packet(other)) << "IPv6";
  other = whole;
  other[0] = '\x4f';
  EXPECT_FALSE(parse_packet(other)) << "a header longer than the packet";
  other = whole;
  other[6] = '\x20';
  EXPECT_FALSE(parse_packet(other)) << "a fragment";
  other = whole;
  other[32] = '\xf0';
  EXPECT_FALSE(parse_packet(other)) << "a TCP header longer than the packet";
}

TEST(AcceptAndClose, OpensAConnectionAndEndsIt) {
  const Packet greeting = parsed(accept_and_close(parsed(tcp_packet(kClient, kServer, 100, 0, TcpFlags::kSyn))));
  EXPECT_EQ(greeting.flags, TcpFlags::kSyn | TcpFlags::kAck);
  EXPECT_EQ(greeting.acknowledged, 101u);
  EXPECT_EQ(greeting.source.address, kServer.address) << "as if the server itself had answered";
  const Packet end =
      parsed(accept_and_close(parsed(tcp_packet(kClient, kServer, 101, greeting.sequence + 1, TcpFlags::kAck))));
  EXPECT_EQ(end.flags, TcpFlags::kFin | TcpFlags::kAck);
  EXPECT_EQ(end.sequence, greeting.sequence + 1);
  EXPECT_EQ(accept_and_close(parsed(tcp_packet(kClient, kServer, 101, end.sequence + 1, TcpFlags::kAck))), "")
      << "nothing more to say";
  const Packet last = parsed(
      accept_and_close(parsed(tcp_packet(kClient, kServer, 101, end.sequence + 1, TcpFlags::kFin | TcpFlags::kAck))));
  EXPECT_EQ(last.flags, TcpFlags::kAck);
  EXPECT_EQ(last.acknowledged, 102u);
  EXPECT_EQ(accept_and_close(parsed(tcp_packet(kClient, kServer, 1, 1, TcpFlags::kRst))), "");
  EXPECT_EQ(accept_and_close(parsed(udp_packet(kClient, kServer, "x"))), "") << "only TCP is answered";
}

std::string query(const std::string& labels, char type) {
  return std::string("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12) + labels + std::string("\0\0", 2) + type +
         std::string("\0\x01", 2);
}
const std::string kLabels = std::string("\x02") + "DB" + std::string("\x07") + "example" + std::string("\x04") + "test";

TEST(Names, AreAnsweredFromTheTable) {
  const NameTable names{{"db.example.test", "198.18.0.1"}};
  const auto reply = answer_from(names, query(kLabels, 1));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->substr(0, 2), "\x12\x34");
  EXPECT_EQ((*reply)[7], 1) << "one answer";
  EXPECT_EQ(reply->substr(reply->size() - 4), std::string("\xc6\x12\x00\x01", 4));
  EXPECT_EQ((*answer_from(names, query(kLabels, 28)))[7], 0) << "no IPv6 address, but a name";
  EXPECT_FALSE(answer_from({}, query(kLabels, 1)));
  EXPECT_EQ(no_such_name(query(kLabels, 1))[3] & 15, 3);
}

TEST(Names, ThatAreCutAreNoQuestions) {
  const std::string whole = query(kLabels, 1);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_question(std::string_view(whole).substr(0, size))) << size;
  EXPECT_FALSE(parse_question(query("\xc0", 1))) << "a pointer where no name was before";
  EXPECT_EQ(no_such_name("x"), "");
}

}  // namespace
}  // namespace osiris::e2b_server
