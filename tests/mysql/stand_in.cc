#include "tests/mysql/stand_in.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace osiris::test {
namespace {

constexpr size_t kNonceBytes = 20;
constexpr uint32_t kConnectWithDb = 0x8, kTls = 0x800, kPluginAuth = 0x80000, kLengthEncodedAuth = 0x200000;
// As MySQL 8 announces them, without what it would have to do then (no OK instead of EOF, no session tracking).
constexpr uint32_t kCapabilities =
    0x1 | 0x2 | 0x4 | kConnectWithDb | 0x200 | 0x2000 | 0x8000 | 0x20000 | 0x40000 | kPluginAuth | kLengthEncodedAuth;

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string with_length(const std::string& text) { return little_endian(text.size(), 1) + text; }
std::string ended(const std::string& text) { return text + '\0'; }

std::string sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof digest);
}

std::string ok_packet() { return std::string("\0\0\0\2\0\0\0", 7); }
std::string eof_packet() { return std::string("\xfe\0\0\2\0", 5); }

std::string column_packet(uint8_t type) {
  return with_length("def") + with_length("") + with_length("") + with_length("") + with_length("a") + with_length("") +
         '\x0c' + little_endian(45 /* utf8mb4 */, 2) + little_endian(1024, 4) + static_cast<char>(type) +
         little_endian(0, 2) + '\0' + little_endian(0, 2);
}

// One for the process: making it takes a moment.
EVP_PKEY* rsa_key() {
  static const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  return key.get();
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

// One connection. Functions return false when the client is gone or has been refused.
class StandIn::Session {
 public:
  Session(StandIn& server, int socket) : server_(server), options_(server.options_), socket_(socket) {}
  ~Session() { SSL_free(tls_); }

  void run() {
    using Silence = StandInOptions::Silence;
    if (options_.silence == Silence::kFromTheStart) return stay_silent();
    if (!log_in()) return;
    ++server_.logins_;
    if (!send(ok_packet())) return;
    if (options_.silence == Silence::kAfterLogin) return stay_silent();
    while (answer()) continue;
  }

 private:
  void stay_silent() {
    server_.silent_ = true;
    server_.silent_.notify_all();
    char byte;
    while (::recv(socket_, &byte, 1, 0) > 0) continue;
  }

  bool read_bytes(char* bytes, size_t size) {
    for (size_t have = 0; have < size;) {
      const ssize_t got = tls_ ? SSL_read(tls_, bytes + have, static_cast<int>(size - have))
                               : ::recv(socket_, bytes + have, size - have, 0);
      if (got <= 0) return false;
      if (!tls_) {
        const std::lock_guard lock(server_.mutex_);
        server_.plain_bytes_.append(bytes + have, static_cast<size_t>(got));
      }
      have += static_cast<size_t>(got);
    }
    return true;
  }

  std::optional<std::string> receive() {
    unsigned char header[4];
    if (!read_bytes(reinterpret_cast<char*>(header), 4)) return std::nullopt;
    std::string packet(header[0] | header[1] << 8 | header[2] << 16, '\0');
    sequence_ = static_cast<uint8_t>(header[3] + 1);
    if (!read_bytes(packet.data(), packet.size())) return std::nullopt;
    return packet;
  }

  bool send(const std::string& payload) {
    const std::string packet = little_endian(payload.size(), 3) + static_cast<char>(sequence_++) + payload;
    if (tls_) return SSL_write(tls_, packet.data(), static_cast<int>(packet.size())) > 0;
    return ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
  }

  bool refuse(const std::string& text) {
    send("\xff" + little_endian(1045, 2) + "#28000" + text);
    return false;
  }

  bool greet() {
    nonce_.resize(kNonceBytes);
    RAND_bytes(reinterpret_cast<unsigned char*>(nonce_.data()), kNonceBytes);
    for (char& c : nonce_) c = static_cast<char>((static_cast<unsigned char>(c) % 94) + 33);  // as the server: no NUL
    const uint32_t capabilities = kCapabilities | (server_.tls_ ? kTls : 0);
    return send("\x0a" + ended("8.0.36") + little_endian(7, 4) + nonce_.substr(0, 8) + '\0' +
                little_endian(capabilities, 2) + '\x2d' + little_endian(2, 2) + little_endian(capabilities >> 16, 2) +
                '\x15' + std::string(10, '\0') + ended(nonce_.substr(8)) + ended(options_.greeting_plugin));
  }

  bool start_tls() {
    if (options_.silence == StandInOptions::Silence::kInsteadOfTls) {
      stay_silent();
      return false;
    }
    SSL* tls = SSL_new(server_.tls_);
    SSL_set_fd(tls, socket_);
    if (SSL_accept(tls) != 1) {
      SSL_free(tls);
      return false;
    }
    tls_ = tls;
    server_.used_tls_ = true;
    return true;
  }

  bool log_in() {
    if (!greet()) return false;
    auto response = receive();
    if (response && response->size() == 32 && server_.tls_) {
      if (!start_tls()) return false;
      response = receive();
    }
    if (!response || response->size() < 33) return false;

    uint32_t flags;
    std::memcpy(&flags, response->data(), 4);
    size_t at = 32;
    const std::string user = response->c_str() + at;
    at += user.size() + 1;
    const size_t proof_size = static_cast<unsigned char>(response->at(at++));
    std::string proof = response->substr(at, proof_size);
    at += proof_size;
    if (flags & kConnectWithDb) at = response->find('\0', at) + 1;
    const std::string plugin = response->c_str() + std::min(at, response->size());

    std::string wanted = options_.switch_to;
    if (wanted.empty() && plugin != "caching_sha2_password") wanted = "caching_sha2_password";
    if (wanted.empty() && options_.greeting_plugin != "caching_sha2_password") wanted = "caching_sha2_password";
    if (!wanted.empty()) {
      if (!send("\xfe" + ended(wanted) + ended(nonce_))) return false;
      auto again = receive();
      if (!again) return false;
      proof = *again;
    }
    return check(user, proof);
  }

  bool check(const std::string& user, const std::string& proof) {
    const std::string denied =
        "Access denied for user '" + user + "'@'localhost' (using password: " + (proof.size() > 1 ? "YES" : "NO") + ")";
    if (user != options_.user) return refuse(denied);
    if (options_.password.empty()) return proof.empty() || proof == std::string(1, '\0') || refuse(denied);
    if (server_.is_cached_) {
      const std::string stored = sha256(sha256(options_.password));
      std::string once = sha256(stored + nonce_);
      if (proof.size() != once.size()) return refuse(denied);
      for (size_t i = 0; i < once.size(); ++i) once[i] = static_cast<char>(once[i] ^ proof[i]);
      if (sha256(once) != stored) return refuse(denied);
      server_.used_fast_path_ = true;
      return send(std::string("\x01\x03", 2));
    }
    if (proof.size() != SHA256_DIGEST_LENGTH) return refuse(denied);
    if (!send(std::string("\x01\x04", 2))) return false;
    auto answer = receive();
    if (!answer) return false;
    const std::optional<std::string> password = tls_ ? answer : unsealed(*answer);
    if (!password || *password != ended(options_.password)) return refuse(denied);
    server_.is_cached_ = true;
    return true;
  }

  // Sends the public key for `request` and opens what comes back.
  std::optional<std::string> unsealed(const std::string& request) {
    if (request != "\x02") return std::nullopt;
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, rsa_key());
    char* pem = nullptr;
    const long size = BIO_get_mem_data(bio, &pem);
    const bool sent = send("\x01" + std::string(pem, static_cast<size_t>(size)));
    BIO_free(bio);
    const auto sealed = sent ? receive() : std::nullopt;
    if (!sealed) return std::nullopt;
    server_.used_rsa_ = true;

    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(rsa_key(), nullptr);
    std::string plain(512, '\0');
    size_t plain_size = plain.size();
    const bool opened = EVP_PKEY_decrypt_init(context) > 0 &&
                        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                        EVP_PKEY_decrypt(context, reinterpret_cast<unsigned char*>(plain.data()), &plain_size,
                                         reinterpret_cast<const unsigned char*>(sealed->data()), sealed->size()) > 0;
    EVP_PKEY_CTX_free(context);
    if (!opened) return std::nullopt;
    plain.resize(plain_size);
    for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(plain[i] ^ nonce_[i % kNonceBytes]);
    return plain;
  }

  // One command.
  bool answer() {
    const auto command = receive();
    if (!command || command->empty()) return false;
    switch (command->front()) {
      case 0x01:  // quit
        return false;
      case 0x16:  // prepare
        return send(std::string("\0\1\0\0\0\1\0\0\0\0\0\0", 12)) && send(column_packet(options_.column_type)) &&
               send(eof_packet());
      case 0x17:  // execute
        return send_rows();
      case 0x19:  // close a statement: no answer
        return true;
      case 0x03:
        if (command->substr(1) == "SELECT 1") {
          return send("\1") && send(column_packet(0x08)) && send(eof_packet()) && send(with_length("1")) &&
                 send(eof_packet());
        }
        return send(ok_packet());
      default:
        return send(ok_packet());
    }
  }

  bool send_rows() {
    if (!send("\1") || !send(column_packet(options_.column_type)) || !send(eof_packet())) return false;
    for (const std::string& row : options_.rows) {
      if (!send(row)) return false;
    }
    if (options_.silence == StandInOptions::Silence::kAfterRows) {
      stay_silent();
      return false;
    }
    return send(eof_packet());
  }

  StandIn& server_;
  const StandInOptions& options_;
  int socket_;
  SSL* tls_ = nullptr;
  uint8_t sequence_ = 0;
  std::string nonce_;
};

StandIn::StandIn(StandInOptions options) : options_(std::move(options)), is_cached_(options_.is_cached) {
  listener_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_.get(), generic, size) != 0 || listen(listener_.get(), 16) != 0 ||
      getsockname(listener_.get(), generic, &size) != 0)
    give_up("stand-in: listen");
  port_ = ntohs(address.sin_port);
  if (!options_.certificate.empty()) {
    tls_ = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls_, options_.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_, options_.key.c_str(), SSL_FILETYPE_PEM) != 1)
      give_up("stand-in: certificate");
  }
  thread_ = std::thread([this] { serve(); });
}

StandIn::~StandIn() {
  stopping_ = true;
  shutdown(listener_.get(), SHUT_RDWR);
  if (const int socket = current_; socket >= 0) shutdown(socket, SHUT_RDWR);
  thread_.join();
  SSL_CTX_free(tls_);
}

std::string StandIn::plain_bytes() const {
  const std::lock_guard lock(mutex_);
  return plain_bytes_;
}

void StandIn::serve() {
  while (!stopping_) {
    const FileDescriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.is_open()) continue;
    ++connections_;
    current_ = socket.get();
    if (!stopping_) Session(*this, socket.get()).run();
    current_ = -1;
  }
}

}  // namespace osiris::test
