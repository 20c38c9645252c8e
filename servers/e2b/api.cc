#include "servers/e2b/api.h"

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

std::string random_letters(size_t count) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string text = random_bytes(count);
  for (char& c : text) c = kLetters[static_cast<unsigned char>(c) % kLetters.size()];
  return text;
}

}  // namespace

std::string random_hex(size_t bytes) { return to_hex(random_bytes(bytes)); }
std::string new_sandbox_id() { return "i" + random_letters(20); }
std::string new_template_id() { return random_letters(20); }

std::string new_uuid() {
  std::string hex = random_hex(16);
  hex[12] = '4';
  hex[16] = "89ab"[hex[16] % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

}  // namespace osiris::e2b_server
