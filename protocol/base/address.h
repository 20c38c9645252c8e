// What a host in a connection or an option is: a name, a pattern, an address, a range.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris {

// The host of "db.example", "https://user@db.example:5432/x" and "[::1]:80": in lower case, without a final dot.
std::string host_of(std::string text);
// The port written in it; else 443 and 80 for https and http; 0: none.
int port_of(std::string_view text);

// An IPv4 or IPv6 address, or a range of them with a prefix length.
bool is_address(const std::string& text);
bool is_ipv6(const std::string& text);
// "10.1" and "0x7f.1" as "10.0.0.1" and "127.0.0.1": as every C library reads them. What is no such number stays as it
// is.
std::string canonical_address(const std::string& text);

bool is_loopback(const std::string& host);

// The one of `ranges` that holds this whole address or range. nullopt for names, and for what no range holds.
std::optional<std::string> range_of(const std::string& address, const std::vector<std::string>& ranges);

}  // namespace osiris
