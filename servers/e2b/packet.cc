#include "servers/e2b/packet.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kIpBytes = 20, kTcpBytes = 20, kUdpBytes = 8;
constexpr uint8_t kTcp = 6, kUdp = 17;
// Of every connection that is accepted to be closed.
constexpr uint32_t kFirstSequence = 0x0e2b0000;

uint16_t read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}
uint32_t read32(std::string_view bytes, size_t at) { return uint32_t{read16(bytes, at)} << 16 | read16(bytes, at + 2); }

void write16(std::string& bytes, uint16_t value) {
  bytes += static_cast<char>(value >> 8);
  bytes += static_cast<char>(value & 0xff);
}
void write32(std::string& bytes, uint32_t value) {
  write16(bytes, static_cast<uint16_t>(value >> 16));
  write16(bytes, static_cast<uint16_t>(value & 0xffff));
}
void put16(std::string& bytes, size_t at, uint16_t value) {
  bytes[at] = static_cast<char>(value >> 8);
  bytes[at + 1] = static_cast<char>(value & 0xff);
}

uint16_t checksum(std::string_view bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) sum += read16(bytes, i);
  if (bytes.size() % 2) sum += uint32_t{static_cast<uint8_t>(bytes.back())} << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// `segment` has a zero checksum at `checksum_at`.
std::string ip_packet(uint8_t protocol, const Endpoint& from, const Endpoint& to, std::string segment,
                      size_t checksum_at) {
  std::string pseudo;
  write32(pseudo, from.address);
  write32(pseudo, to.address);
  write16(pseudo, protocol);
  write16(pseudo, static_cast<uint16_t>(segment.size()));
  put16(segment, checksum_at, checksum(pseudo + segment));
  std::string packet("\x45\x00", 2);
  write16(packet, static_cast<uint16_t>(kIpBytes + segment.size()));
  write32(packet, 0x00004000);  // not to be fragmented
  packet += '\x40';
  packet += static_cast<char>(protocol);
  write16(packet, 0);
  write32(packet, from.address);
  write32(packet, to.address);
  put16(packet, 10, checksum(packet));
  return packet + segment;
}

}  // namespace

std::optional<Packet> parse_packet(std::string_view bytes) {
  if (bytes.size() < kIpBytes || (static_cast<uint8_t>(bytes[0]) >> 4) != 4) return std::nullopt;
  const size_t header = (static_cast<uint8_t>(bytes[0]) & 15) * size_t{4};
  const size_t total = read16(bytes, 2);
  if (header < kIpBytes || total < header || total > bytes.size() || (read16(bytes, 6) & 0x3fff) != 0)
    return std::nullopt;
  Packet packet;
  packet.source.address = read32(bytes, 12);
  packet.destination.address = read32(bytes, 16);
  const std::string_view segment = bytes.substr(header, total - header);
  const uint8_t protocol = static_cast<uint8_t>(bytes[9]);
  if (protocol != kTcp && protocol != kUdp) return packet;
  if (segment.size() < kUdpBytes) return std::nullopt;
  packet.source.port = read16(segment, 0);
  packet.destination.port = read16(segment, 2);
  if (protocol == kUdp) {
    packet.kind = Packet::Kind::kUdp;
    packet.payload = segment.substr(kUdpBytes);
    return packet;
  }
  if (segment.size() < kTcpBytes) return std::nullopt;
  const size_t tcp_header = (static_cast<uint8_t>(segment[12]) >> 4) * size_t{4};
  if (tcp_header < kTcpBytes || tcp_header > segment.size()) return std::nullopt;
  packet.kind = Packet::Kind::kTcp;
  packet.sequence = read32(segment, 4);
  packet.acknowledged = read32(segment, 8);
  packet.flags = static_cast<uint8_t>(segment[13]);
  packet.payload = segment.substr(tcp_header);
  return packet;
}

std::string tcp_packet(const Endpoint& from, const Endpoint& to, uint32_t sequence, uint32_t acknowledged,
                       uint8_t flags) {
  std::string segment;
  write16(segment, from.port);
  write16(segment, to.port);
  write32(segment, sequence);
  write32(segment, acknowledged);
  segment += '\x50';
  segment += static_cast<char>(flags);
  write16(segment, 0xffff);
  write32(segment, 0);  // checksum, urgent
  return ip_packet(kTcp, from, to, std::move(segment), 16);
}

std::string udp_packet(const Endpoint& from, const Endpoint& to, std::string_view payload) {
  std::string segment;
  write16(segment, from.port);
  write16(segment, to.port);
  write16(segment, static_cast<uint16_t>(kUdpBytes + payload.size()));
  write16(segment, 0);
  segment += payload;
  return ip_packet(kUdp, from, to, std::move(segment), 6);
}

std::string accept_and_close(const Packet& packet) {
  if (packet.kind != Packet::Kind::kTcp || packet.flags & TcpFlags::kRst) return {};
  const auto answer = [&](uint32_t sequence, uint32_t acknowledged, uint8_t flags) {
    return tcp_packet(packet.destination, packet.source, sequence, acknowledged, flags);
  };
  if (packet.flags & TcpFlags::kSyn)
    return answer(kFirstSequence, packet.sequence + 1, TcpFlags::kSyn | TcpFlags::kAck);
  const auto bytes = static_cast<uint32_t>(packet.payload.size());
  const bool is_closed = packet.acknowledged == kFirstSequence + 2;  // it has seen our end
  if (packet.flags & TcpFlags::kFin) return answer(packet.acknowledged, packet.sequence + bytes + 1, TcpFlags::kAck);
  if (is_closed) return bytes == 0 ? std::string() : answer(packet.acknowledged, 0, TcpFlags::kRst);
  return answer(kFirstSequence + 1, packet.sequence + bytes, TcpFlags::kFin | TcpFlags::kAck);
}

}  // namespace osiris::e2b_server
