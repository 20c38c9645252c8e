// What a host in a connection or an option is: a name, a pattern, an address, a range; and which of these E2B never lets a sandbox reach.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace osiris::e2b {

// The host of "db.example", "https://user@db.example:5432/x" and "[::1]:80": in lower case, without a final dot.
std::string host_of(std::string text);
// The port written in it; else 443 and 80 for https and http; 0: none.
int port_of(std::string_view text);

// An IPv4 or IPv6 address, or a range of them with a prefix length.
bool is_address(const std::string& text);
bool is_ipv6(const std::string& text);
// "10.1" and "0x7f.1" as "10.0.0.1" and "127.0.0.1": as every C library reads them. What is no such number stays as it is.
std::string canonical_address(const std::string& text);

bool is_loopback(const std::string& host);

// The range of E2B's own that holds this whole address or range: "10.0.0.0/8". Sandboxes reach none of them, whatever their rules
// say. nullopt for names, and for what such a range does not hold.
std::optional<std::string_view> denied_range(const std::string& address);

}  // namespace osiris::e2b
