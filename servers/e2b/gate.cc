#include "servers/e2b/gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "servers/e2b/packet.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kPacketBytesMax = 65536;
constexpr size_t kAskedMax = 4096;
constexpr uint16_t kNamesPort = 53;

Error failed(const std::string& what) {
  return Error(Code::kUnsupported, "--network isolated: " + what + ": " + std::strerror(errno),
               "run as root, with /dev/net/tun");
}

Result<FileDescriptor> make_device(const char* name) {
  FileDescriptor device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!device.is_open()) return failed("/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(device.get(), TUNSETIFF, &request) != 0) return failed("making a device");
  return device;
}

// The machine's first IPv4 name server, connected; none where there is none.
FileDescriptor connect_upstream() {
  const auto text = read_file("/etc/resolv.conf", 1 << 16);
  if (!text) return {};
  for (const std::string& line : split(*text, '\n')) {
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(kNamesPort);
    constexpr std::string_view kKey = "nameserver";
    if (!line.starts_with(kKey)) continue;
    if (::inet_pton(AF_INET, std::string(trim(std::string_view(line).substr(kKey.size()))).c_str(), &server.sin_addr) !=
        1)
      continue;
    FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.is_open() && ::connect(socket.get(), reinterpret_cast<sockaddr*>(&server), sizeof server) == 0)
      return socket;
  }
  return {};
}

std::string read_packet(const FileDescriptor& fd) {
  std::string bytes(kPacketBytesMax, '\0');
  const ssize_t count = ::read(fd.get(), bytes.data(), bytes.size());
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

void write_packet(const FileDescriptor& fd, const std::string& bytes) {
  // A packet that finds no room is lost, as packets are.
  if (!bytes.empty()) [[maybe_unused]]
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
}

// Of an answer to what `asker` asked.
std::string answer_packet(const std::string& asker, std::string_view reply) {
  const auto packet = parse_packet(asker);
  return packet ? udp_packet(packet->destination, packet->source, reply) : std::string();
}

}  // namespace

Result<std::unique_ptr<Gate>> Gate::create(pid_t holder, NameTable names) {
  std::unique_ptr<Gate> gate(new Gate(std::move(names)));
  int stop[2];
  if (::pipe2(stop, O_CLOEXEC) != 0) return failed("pipe");
  gate->stop_read_ = FileDescriptor(stop[0]);
  gate->stop_write_ = FileDescriptor(stop[1]);
  gate->upstream_ = connect_upstream();
  Status made;
  // A thread of its own enters the namespace and never comes back.
  std::thread([&] {
    const FileDescriptor space(::open(("/proc/" + std::to_string(holder) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    if (!space.is_open() || ::setns(space.get(), CLONE_NEWNET) != 0) {
      made = failed("entering the router's namespace");
      return;
    }
    for (const auto& [name, fd] : {std::pair{kDeniedDevice, &gate->denied_}, std::pair{kNamesDevice, &gate->query_}}) {
      auto device = make_device(name);
      if (!device) {
        made = device.error();
        return;
      }
      *fd = *std::move(device);
    }
  }).join();
  if (!made.ok()) return made.error();
  gate->thread_ = std::thread([raw = gate.get()] { raw->serve(); });
  return gate;
}

Gate::~Gate() {
  stop_write_.close();
  if (thread_.joinable()) thread_.join();
}

void Gate::serve() {
  for (;;) {
    pollfd events[] = {{stop_read_.get(), POLLIN, 0},
                       {denied_.get(), POLLIN, 0},
                       {query_.get(), POLLIN, 0},
                       {upstream_.is_open() ? upstream_.get() : -1, POLLIN, 0}};
    if (::poll(events, std::size(events), -1) < 0 && errno != EINTR) return;
    if (events[0].revents) return;
    if (events[1].revents & POLLIN) take_denied();
    if (events[2].revents & POLLIN) take_name_query();
    if (events[3].revents) take_upstream_answer();
  }
}

void Gate::take_denied() {
  const std::string bytes = read_packet(denied_);
  if (const auto packet = parse_packet(bytes)) write_packet(denied_, accept_and_close(*packet));
}

void Gate::take_name_query() {
  const std::string bytes = read_packet(query_);
  const auto packet = parse_packet(bytes);
  if (!packet) return;
  if (packet->kind != Packet::Kind::kUdp || packet->destination.port != kNamesPort)
    return write_packet(query_, accept_and_close(*packet));
  if (const auto known = answer_from(names_, packet->payload))
    return write_packet(query_, answer_packet(bytes, *known));
  if (!upstream_.is_open()) return write_packet(query_, answer_packet(bytes, no_such_name(packet->payload)));
  ask_upstream(bytes, packet->payload);
}

void Gate::ask_upstream(const std::string& asker, std::string_view query) {
  if (!parse_question(query)) return;
  if (pending_.size() >= kAskedMax) pending_.clear();
  const uint16_t id = next_id_++;
  const auto byte = [&](size_t at) { return static_cast<uint16_t>(static_cast<uint8_t>(query[at])); };
  pending_[id] = {asker, static_cast<uint16_t>(byte(0) << 8 | byte(1))};
  std::string own(query);
  own[0] = static_cast<char>(id >> 8);
  own[1] = static_cast<char>(id & 0xff);
  if (::send(upstream_.get(), own.data(), own.size(), MSG_NOSIGNAL) < 0)
    write_packet(query_, answer_packet(asker, no_such_name(query)));
}

void Gate::take_upstream_answer() {
  std::string reply(kPacketBytesMax, '\0');
  const ssize_t count = ::recv(upstream_.get(), reply.data(), reply.size(), 0);
  if (count < 12) return;
  reply.resize(static_cast<size_t>(count));
  const auto asked =
      pending_.find(static_cast<uint16_t>(static_cast<uint8_t>(reply[0]) << 8 | static_cast<uint8_t>(reply[1])));
  if (asked == pending_.end()) return;
  reply[0] = static_cast<char>(asked->second.id >> 8);
  reply[1] = static_cast<char>(asked->second.id & 0xff);
  write_packet(query_, answer_packet(asked->second.asker, reply));
  pending_.erase(asked);
}

}  // namespace osiris::e2b_server
