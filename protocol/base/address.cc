#include "protocol/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "protocol/base/text.h"

namespace osiris {
namespace {

// What a text names: `bits` of 4 or 16 bytes.
struct Range {
  std::array<unsigned char, 16> bytes{};
  int size = 0;  // bytes
  int bits = 0;
};

std::optional<Range> parse_range(const std::string& text) {
  Range range;
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  if (inet_pton(AF_INET, address.c_str(), range.bytes.data()) == 1)
    range.size = 4;
  else if (inet_pton(AF_INET6, address.c_str(), range.bytes.data()) == 1)
    range.size = 16;
  else
    return std::nullopt;
  range.bits = range.size * 8;
  if (slash == std::string::npos) return range;
  int bits = -1;
  const auto [end, error] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
  if (error != std::errc() || end != text.data() + text.size() || bits < 0 || bits > range.bits) return std::nullopt;
  range.bits = bits;
  return range;
}

bool contains(const Range& outer, const Range& inner) {
  if (outer.size != inner.size || outer.bits > inner.bits) return false;
  const auto whole = static_cast<size_t>(outer.bits / 8);
  if (std::memcmp(outer.bytes.data(), inner.bytes.data(), whole) != 0) return false;
  const int rest = outer.bits % 8;
  return rest == 0 || ((outer.bytes[whole] ^ inner.bytes[whole]) >> (8 - rest)) == 0;
}

// An IPv4 address in IPv6 clothes: the kernel connects to the IPv4 one.
std::string unmapped(const std::string& text) {
  constexpr std::string_view kMapped = "::ffff:";
  const std::string rest = text.starts_with(kMapped) ? text.substr(kMapped.size()) : std::string();
  in_addr bytes{};
  return inet_pton(AF_INET, rest.c_str(), &bytes) == 1 ? rest : text;
}

std::string_view authority_of(std::string_view text) {
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?#\\"));
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
  return text;
}

}  // namespace

std::string host_of(std::string text) {
  std::string host = ascii_lower(authority_of(text));
  if (host.starts_with('['))
    host = host.substr(1, host.find(']') - 1);
  else if (std::count(host.begin(), host.end(), ':') == 1)
    host = host.substr(0, host.find(':'));
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  return canonical_address(host);
}

int port_of(std::string_view text) {
  std::string_view authority = authority_of(text);
  if (authority.starts_with('[')) authority.remove_prefix(std::min(authority.find(']'), authority.size()));
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && std::count(authority.begin(), authority.end(), ':') == 1) {
    int port = 0;
    const char* end = authority.data() + authority.size();
    const auto read = std::from_chars(authority.data() + colon + 1, end, port);
    return read.ec == std::errc() && read.ptr == end ? port : 0;
  }
  const std::string scheme = ascii_lower(text.substr(0, std::min(text.find("://"), text.size())));
  return scheme == "https" ? 443 : scheme == "http" ? 80 : 0;
}

bool is_address(const std::string& text) { return parse_range(text).has_value(); }

bool is_ipv6(const std::string& text) {
  const auto range = parse_range(unmapped(text));
  return range && range->size == 16;
}

std::string canonical_address(const std::string& text) {
  in_addr bytes{};
  const bool is_number = !text.empty() && text[0] >= '0' && text[0] <= '9' && text.find('/') == std::string::npos;
  if (!is_number || inet_aton(text.c_str(), &bytes) == 0) return text;
  char out[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &bytes, out, sizeof out);
  return out;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1" || host == "::") return true;
  const auto range = parse_range(unmapped(canonical_address(host)));
  return range && range->size == 4 && (range->bytes[0] == 127 || (range->bytes[0] == 0 && range->bits == 32));
}

std::optional<std::string> range_of(const std::string& address, const std::vector<std::string>& ranges) {
  const auto inner = parse_range(unmapped(canonical_address(address)));
  if (!inner) return std::nullopt;
  for (const std::string& range : ranges)
    if (const auto outer = parse_range(range); outer && contains(*outer, *inner)) return range;
  return std::nullopt;
}

}  // namespace osiris
