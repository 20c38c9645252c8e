// Where calls and connections go besides the service itself: what a user wrote, read and checked. Nothing here repeats
// a password.
#pragma once

#include <osiris/sdk/egress.hpp>

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::e2b {

// "[socks5://][USER:PASSWORD@]HOST:PORT", by the rules E2B has for it; user and password may be percent-encoded.
// kInvalidArgument, without quoting what was given.
Result<adapter_sdk::EgressProxy> parse_egress_proxy(std::string_view text);

// The service's key and every sandbox's token travel to this URL: https, or http to this machine. `option` names it in
// the error.
Status check_service_url(std::string_view option, const std::string& url, bool allow_http);

// A file of certificate authorities that can be read and holds one; empty: none was given.
Status check_authorities(const std::string& ca_file);

// A URL without user and password, for logs and documents; other text unchanged.
std::string without_userinfo(std::string_view url);

}  // namespace osiris::e2b
