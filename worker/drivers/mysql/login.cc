#include "worker/drivers/mysql/login.h"

#include <errmsg.h>
#include <fcntl.h>
#include <mysql.h>
#include <mysql/plugin_auth.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <array>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "worker/drivers/mysql/settings.h"

// <mysql/client_plugin.h> of libmariadb-dev includes a header that is not in the package, so its struct is repeated
// here.
extern "C" {
struct st_mysql_client_plugin;
st_mysql_client_plugin* STDCALL mysql_client_register_plugin(MYSQL*, st_mysql_client_plugin*);
}

namespace osiris::worker::mysql {
namespace {

struct AuthenticationPlugin {
  int type;
  unsigned interface_version;
  const char* name;
  const char* author;
  const char* description;
  unsigned version[3];
  const char* license;
  void* mysql_api;
  int (*init)(char*, size_t, int, va_list);
  int (*deinit)();
  int (*options)(const char*, const void*);
  int (*authenticate_user)(MYSQL_PLUGIN_VIO*, MYSQL*);
};

constexpr size_t kNonceBytes = 20;
constexpr unsigned char kRequestPublicKey = 2, kFastPathDone = 3, kFullPathWanted = 4;
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest sha256(const unsigned char* bytes, size_t size) {
  Digest digest;
  SHA256(bytes, size, digest.data());
  return digest;
}

// SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce): proves the password to a server that has its double
// hash.
Digest scramble(const std::string& password, const unsigned char* nonce) {
  Digest proof = sha256(reinterpret_cast<const unsigned char*>(password.data()), password.size());
  const Digest twice = sha256(proof.data(), proof.size());
  std::array<unsigned char, SHA256_DIGEST_LENGTH + kNonceBytes> salted;
  std::memcpy(salted.data(), twice.data(), twice.size());
  std::memcpy(salted.data() + twice.size(), nonce, kNonceBytes);
  const Digest mask = sha256(salted.data(), salted.size());
  for (size_t i = 0; i < proof.size(); ++i) proof[i] ^= mask[i];
  return proof;
}

// The password and its NUL, masked with the nonce and encrypted for the owner of the PEM key (RSA, OAEP). Empty on
// failure.
std::vector<unsigned char> seal(const std::string& password, const unsigned char* nonce, const unsigned char* pem,
                                int size) {
  std::vector<unsigned char> plain(password.begin(), password.end());
  plain.push_back(0);
  for (size_t i = 0; i < plain.size(); ++i) plain[i] ^= nonce[i % kNonceBytes];

  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem, size), &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key) return {};
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key.get(), nullptr),
                                                                            &EVP_PKEY_CTX_free);
  size_t sealed_size = 0;
  if (!context || EVP_PKEY_encrypt_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) <= 0 ||
      EVP_PKEY_encrypt(context.get(), nullptr, &sealed_size, plain.data(), plain.size()) <= 0) {
    return {};
  }
  std::vector<unsigned char> sealed(sealed_size);
  if (EVP_PKEY_encrypt(context.get(), sealed.data(), &sealed_size, plain.data(), plain.size()) <= 0) return {};
  sealed.resize(sealed_size);
  return sealed;
}

// Runs before anything is sent (the plugin is MYSQL_DEFAULT_AUTH). Connections that need TLS start with server
// verification on, because that alone makes the library refuse a server without TLS; where the mode asks for less it is
// taken back here, once the server has said that it has TLS. A server too old to name plugins never gets here and stays
// fully verified.
void settle_tls(MYSQL* mysql) {
  const SslMode* mode = nullptr;
  mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, const_cast<char*>(kSslModeKey), &mode);
  constexpr unsigned long kServerHasTls = 0x0800;  // CLIENT_SSL
  if (!mode || !(mysql->server_capabilities & kServerHasTls)) return;
  if (*mode == SslMode::kRequired || *mode == SslMode::kVerifyCa) {
    const my_bool off = 0;
    mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &off);
  }
}

// OpenSSL would block in read(2) on a blocking socket, where it cannot be cancelled; on this one it comes back to
// Deadline.
void make_non_blocking(MYSQL* mysql) {
  const int socket = mysql_get_socket(mysql);
  if (const int flags = fcntl(socket, F_GETFL); flags >= 0) fcntl(socket, F_SETFL, flags | O_NONBLOCK);
}

// The library checks a certificate against mysql->host, which is the address here. It frees that text with free() when
// the connection ends, so another one of the same kind may stand in its place.
void check_against_name(MYSQL* mysql) {
  const std::string* name = nullptr;
  mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, const_cast<char*>(kServerNameKey), &name);
  if (!name || name->empty() || !mysql->host || *name == mysql->host) return;
  char* copy = ::strdup(name->c_str());
  if (!copy) return;  // checked against the address, and so refused
  std::free(mysql->host);
  mysql->host = copy;
}

int authenticate(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql) {
  make_non_blocking(mysql);
  check_against_name(mysql);
  settle_tls(mysql);

  unsigned char* packet = nullptr;
  int size = vio->read_packet(vio, &packet);
  if (size < 0) return CR_ERROR;  // also when the server asks for another plugin: the library goes on with that one
  if (static_cast<size_t>(size) < kNonceBytes) return CR_SERVER_HANDSHAKE_ERR;
  unsigned char nonce[kNonceBytes];
  std::memcpy(nonce, packet, kNonceBytes);

  const std::string password = mysql->passwd ? mysql->passwd : "";
  if (password.empty()) {
    const unsigned char nothing = 0;
    return vio->write_packet(vio, &nothing, 1) ? CR_ERROR : CR_OK;
  }
  const Digest proof = scramble(password, nonce);
  if (vio->write_packet(vio, proof.data(), static_cast<int>(proof.size()))) return CR_ERROR;

  size = vio->read_packet(vio, &packet);
  if (size < 0) return CR_ERROR;
  if (size != 1) return CR_SERVER_HANDSHAKE_ERR;
  if (packet[0] == kFastPathDone) return CR_OK;
  if (packet[0] != kFullPathWanted) return CR_SERVER_HANDSHAKE_ERR;

  // The server has not seen this account since it started and wants the password itself.
  if (mysql_get_ssl_cipher(mysql)) {
    const auto* text = reinterpret_cast<const unsigned char*>(password.c_str());
    return vio->write_packet(vio, text, static_cast<int>(password.size()) + 1) ? CR_ERROR : CR_OK;
  }
  if (vio->write_packet(vio, &kRequestPublicKey, 1)) return CR_ERROR;
  if ((size = vio->read_packet(vio, &packet)) <= 0) return CR_ERROR;
  const std::vector<unsigned char> sealed = seal(password, nonce, packet, size);
  if (sealed.empty()) return CR_SERVER_HANDSHAKE_ERR;
  return vio->write_packet(vio, sealed.data(), static_cast<int>(sealed.size())) ? CR_ERROR : CR_OK;
}

AuthenticationPlugin plugin = {2 /* authentication */,
                               0x0100,
                               kLoginPluginName,
                               "osiris",
                               "log-in of MySQL 8",
                               {1, 0, 0},
                               "Apache-2.0",
                               nullptr,
                               nullptr,
                               nullptr,
                               nullptr,
                               authenticate};

}  // namespace

void initialise_client_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    // The configuration of whatever machine this runs on is not ours to follow.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    mysql_server_init(0, nullptr, nullptr);
    mysql_client_register_plugin(nullptr, reinterpret_cast<st_mysql_client_plugin*>(&plugin));
  });
}

}  // namespace osiris::worker::mysql
