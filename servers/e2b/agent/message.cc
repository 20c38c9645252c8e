#include "servers/e2b/agent/message.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace osiris::e2b_server {
namespace {

constexpr size_t kPacketMaxBytes = 32 * 1024;
constexpr size_t kFdsMax = 8;
// The first byte of a packet: what follows is the JSON text, or the text is in the first descriptor.
constexpr char kInline = 'i';
constexpr char kInMemoryFile = 'm';

Error system_error(const char* what) {
  return Error(Code::kUnavailable, std::string(what) + ": " + std::strerror(errno));
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("filling a memory file");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<std::string> read_from_start(int fd) {
  std::string text;
  char block[65536];
  off_t offset = 0;
  while (true) {
    const ssize_t count = ::pread(fd, block, sizeof block, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("reading a memory file");
    if (count == 0) return text;
    text.append(block, static_cast<size_t>(count));
    offset += count;
  }
}

}  // namespace

Status send_message(int socket, const Json& body, const std::vector<int>& fds) {
  std::string packet = kInline + body.dump();
  std::vector<int> sent = fds;
  FileDescriptor memory;
  if (packet.size() > kPacketMaxBytes) {
    memory = FileDescriptor(::memfd_create("e2b-message", MFD_CLOEXEC));
    if (!memory.is_open()) return system_error("memfd_create");
    OSIRIS_TRY(write_all(memory.get(), std::string_view(packet).substr(1)));
    packet = kInMemoryFile;
    sent.insert(sent.begin(), memory.get());
  }
  if (sent.size() > kFdsMax) return Error(Code::kInternal, "too many descriptors in one message");
  iovec part{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!sent.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * sent.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * sent.size());
    std::memcpy(CMSG_DATA(rights), sent.data(), sizeof(int) * sent.size());
  }
  ssize_t count;
  do {
    count = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return system_error("sending to the sandbox");
  return {};
}

Result<std::optional<Message>> receive_message(int socket) {
  std::string packet(kPacketMaxBytes + 1, '\0');
  iovec part{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t count;
  do {
    count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != ECONNRESET) return system_error("receiving from the sandbox");
  if (count <= 0) return std::optional<Message>();
  Message message;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const size_t fds = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < fds; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
  std::string text = packet.substr(1, static_cast<size_t>(count) - 1);
  if (packet[0] == kInMemoryFile) {
    if (message.fds.empty()) return Error(Code::kInternal, "a long message came without its memory file");
    OSIRIS_ASSIGN(text, read_from_start(message.fds.front().get()));
    message.fds.erase(message.fds.begin());
  }
  OSIRIS_ASSIGN(message.body, parse_json(text));
  return std::optional<Message>(std::move(message));
}

}  // namespace osiris::e2b_server
