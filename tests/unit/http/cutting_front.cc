#include "tests/unit/http/cutting_front.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "protocol/base/json.h"

namespace osiris::http {
namespace {

constexpr size_t kFrameHeadBytes = 9;
constexpr unsigned char kDataFrame = 0, kHeadersFrame = 1;

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int listen_on_loopback(int* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = address_of("127.0.0.1", 0);
  socklen_t length = sizeof address;
  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), length);
  ::listen(fd, 64);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  *port = ntohs(address.sin_port);
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

int choose_http2(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                 unsigned int in_length, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kOurs, sizeof kOurs - 1, in, in_length) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// Follows the frames that go by, and knows where to cut once it has been told what to look for.
class FrameScanner {
 public:
  // How many of these bytes still go; nullopt: all, and nothing breaks off here.
  std::optional<size_t> cut_in(std::string_view bytes, const std::optional<Cut>& wanted) {
    std::optional<size_t> cut;
    for (size_t at = 0; at < bytes.size();) {
      if (head_.size() < kFrameHeadBytes) {
        head_ += bytes[at++];
        if (head_.size() == kFrameHeadBytes) {
          payload_left_ = byte(0) << 16 | byte(1) << 8 | byte(2);
          if (wanted && !cut && is_wanted(*wanted)) cut = at + payload_left_ / 2;
        }
      } else {
        const size_t taken = std::min(payload_left_, bytes.size() - at);
        at += taken;
        payload_left_ -= taken;
      }
      if (head_.size() == kFrameHeadBytes && payload_left_ == 0) head_.clear();
    }
    if (cut && *cut > bytes.size()) cut = bytes.size();  // the frame goes on in bytes that will not be sent
    return cut;
  }

 private:
  size_t byte(size_t i) const { return static_cast<unsigned char>(head_[i]); }

  bool is_wanted(const Cut& wanted) {
    const size_t stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
    if (byte(3) == kHeadersFrame) {
      if (wanted.where != Cut::Where::kData) return true;
      stream_ = stream;
    }
    return byte(3) == kDataFrame && wanted.where == Cut::Where::kData && stream == stream_ && payload_left_ > 0;
  }

  std::string head_;
  size_t payload_left_ = 0;
  size_t stream_ = 0;  // of the answer that is to break off in its body
};

}  // namespace

// One connection: TLS to the client, plain bytes to nghttpx.
class CuttingFront::Relay {
 public:
  Relay(SSL* ssl, int client, int server) : ssl_(ssl), client_(client), server_(server) {}

  // Until either side has ended, or the cut is made. `wanted` is asked for each piece of an answer; `cuts` counts.
  void run(const std::function<std::optional<Cut>()>& wanted, std::atomic<int>& cuts) {
    if (SSL_accept(ssl_) != 1) return;
    SSL_set0_wbio(ssl_,
                  BIO_new(BIO_s_mem()));  // from here on records are made in memory, so that half of one can be sent
    for (;;) {
      pollfd polls[2] = {{client_, POLLIN, 0}, {server_, POLLIN, 0}};
      if (SSL_pending(ssl_) == 0 && ::poll(polls, 2, -1) < 0) return;
      char block[16384];
      if (SSL_pending(ssl_) > 0 || polls[0].revents) {
        const int got = SSL_read(ssl_, block, sizeof block);
        if (got <= 0 || !send_all(server_, {block, static_cast<size_t>(got)})) return;
      }
      if (!polls[1].revents) continue;
      const ssize_t got = ::recv(server_, block, sizeof block, 0);
      if (got <= 0) return;
      const std::optional<Cut> cut = wanted();
      const std::string_view bytes(block, static_cast<size_t>(got));
      const auto at = scanner_.cut_in(bytes, cut);
      if (!at) {
        if (!send_all(client_, sealed(bytes))) return;
        continue;
      }
      ++cuts;
      return break_off(bytes, *at, *cut);
    }
  }

 private:
  // As TLS records.
  std::string sealed(std::string_view bytes) {
    if (!bytes.empty()) SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    return take_records();
  }

  std::string take_records() {
    char* data = nullptr;
    const long count = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
    std::string records(data, static_cast<size_t>(count));
    BIO_reset(SSL_get_wbio(ssl_));
    return records;
  }

  void break_off(std::string_view bytes, size_t at, const Cut& cut) {
    if (cut.where == Cut::Where::kRecord) {
      const std::string records = sealed(bytes);
      send_all(client_, std::string_view(records).substr(0, records.size() / 2));
    } else {
      send_all(client_, sealed(bytes.substr(0, at)));
      if (!cut.resets) {
        SSL_shutdown(ssl_);
        send_all(client_, take_records());
      }
    }
    if (cut.resets) return reset(client_);
    ::shutdown(client_, SHUT_WR);
    char rest[4096];  // closing with bytes unread would be a reset
    while (::recv(client_, rest, sizeof rest, 0) > 0) continue;
  }

  SSL* const ssl_;
  const int client_, server_;
  FrameScanner scanner_;
};

CuttingFront::CuttingFront(int backend_port) : plain_(backend_port, TlsFront::Tls::kLeft) {
  if (!plain_.is_up()) {
    error_ = plain_.error();
    return;
  }
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  context_ = context;
  SSL_CTX_set_alpn_select_cb(context, choose_http2, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context, plain_.certificate_file().c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, plain_.key_file().c_str(), SSL_FILETYPE_PEM) != 1) {
    error_ = "the certificate cannot be used";
    return;
  }
  listener_ = listen_on_loopback(&port_);
  control_ = listen_on_loopback(&control_port_);
  accepting_ = std::thread([this] { accept_clients(); });
  listening_ = std::thread([this] { accept_control(); });
}

CuttingFront::~CuttingFront() {
  for (const int fd : {listener_, control_}) ::shutdown(fd, SHUT_RDWR);
  if (accepting_.joinable()) accepting_.join();
  if (listening_.joinable()) listening_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : serving_) thread.join();
  for (const int fd : {listener_, control_})
    if (fd >= 0) ::close(fd);
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

void CuttingFront::plan(const Cut& cut) {
  const std::lock_guard lock(mutex_);
  planned_ = cut;
  armed_.clear();
}

void CuttingFront::arm(const std::string& client_address) {
  const std::lock_guard lock(mutex_);
  armed_.insert(client_address);
}

// `work` runs on a thread of its own; `fd` is closed after it.
void CuttingFront::start_thread(int fd, std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  open_.insert(fd);
  serving_.emplace_back([this, fd, work = std::move(work)] {
    sigset_t signals;  // OpenSSL writes without MSG_NOSIGNAL
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    work();
    const std::lock_guard guard(mutex_);
    open_.erase(fd);
    ::close(fd);
  });
}

void CuttingFront::accept_clients() {
  for (int number = 0;; ++number) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    start_thread(fd, [this, fd, number] { serve(fd, number); });
  }
}

void CuttingFront::accept_control() {
  for (;;) {
    const int fd = ::accept4(control_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    start_thread(fd, [this, fd] {
      std::string line;
      char byte;
      while (::recv(fd, &byte, 1, 0) == 1 && byte != '\n') line += byte;
      const auto who = parse_json(line);
      if (who) arm((*who)["forwarded_for"].as_string());
    });
  }
}

void CuttingFront::serve(int fd, int number) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::string own = "127.0." + std::to_string(1 + number / 250 % 250) + "." + std::to_string(1 + number % 250);
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in from = address_of(own, 0), to = address_of("127.0.0.1", plain_.port());
  ::bind(server, reinterpret_cast<const sockaddr*>(&from), sizeof from);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    {
      const std::lock_guard lock(mutex_);
      open_.insert(server);
    }
    SSL* ssl = SSL_new(static_cast<SSL_CTX*>(context_));
    SSL_set_fd(ssl, fd);
    Relay(ssl, fd, server)
        .run(
            [&]() -> std::optional<Cut> {
              const std::lock_guard lock(mutex_);
              return armed_.count(own) ? std::optional(planned_) : std::nullopt;
            },
            cuts_);
    SSL_free(ssl);
    const std::lock_guard lock(mutex_);
    open_.erase(server);
  }
  ::close(server);
}

}  // namespace osiris::http
