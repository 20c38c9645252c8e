// IPv4 packets as bytes, as far as the gate (gate.h) needs them: read TCP and UDP, write an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace osiris::e2b_server {

struct Endpoint {
  uint32_t address = 0;  // host order
  uint16_t port = 0;
};

struct TcpFlags {
  static constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
};

struct Packet {
  enum class Kind { kTcp, kUdp, kOther } kind = Kind::kOther;
  Endpoint source, destination;
  std::string_view payload;                 // into the packet's bytes
  uint32_t sequence = 0, acknowledged = 0;  // TCP
  uint8_t flags = 0;
};
// nullopt: no IPv4 packet, a fragment, or shorter than it says.
std::optional<Packet> parse_packet(std::string_view bytes);

// Whole packets from `from` to `to`, checksums included.
std::string tcp_packet(const Endpoint& from, const Endpoint& to, uint32_t sequence, uint32_t acknowledged,
                       uint8_t flags);
std::string udp_packet(const Endpoint& from, const Endpoint& to, std::string_view payload);

// What closes every connection as soon as it is open, as E2B's TCP firewall does to a denied one: the answer to one
// packet, or empty. Keeps no state: each answer follows from the packet.
std::string accept_and_close(const Packet& packet);

}  // namespace osiris::e2b_server
