// Which values are secrets: by the name of the field, variable or parameter that holds them, and by the shape of a URL
// with a password in it. The one judge of everything that is parted from a plan, masked, redacted or refused, in the
// host and in the worker: two judges would differ, and what one of them does not know is written down by the other.
#pragma once

#include <string>
#include <string_view>

namespace osiris {

// Stands wherever a secret would: for a whole value, and for the password inside a URL.
inline constexpr std::string_view kMasked = "***MASKED***";

// Does a field, variable or parameter of this name hold a secret? "password", "db_password", "X-Api-Key",
// "clientSecret", "passphrase", "key"; not "primary_key", "author", "tokens_used", "secret_name", "url". When in doubt
// it does: the cost of a wrong yes is a masked word, that of a wrong no is a leak.
bool names_a_secret(std::string_view name);

// The stricter list, of whole names only, for what a wrong yes would break: a pipeline that holds such a value is
// refused. A subset of names_a_secret(). "password", "api_key"; not "password_column".
bool is_surely_secret(std::string_view name);

// The password of "scheme://user:password@host", and of "user:password@host:port" alone; empty when there is none.
// `text` is such an address and nothing else. A view into it.
std::string_view authority_password(std::string_view text);
// The same for what has to have a scheme to count as an address: "a:b@c" is ordinary text.
bool holds_url_password(std::string_view text);
// "user:password", or a token alone, of scheme://...@host; empty when there is none.
std::string_view url_userinfo(std::string_view text);
// The address with kMasked in the password's place; unchanged when there is none.
std::string mask_authority_password(std::string_view text);
// The same for every URL in a text of any kind.
std::string mask_url_passwords(std::string_view text);

}  // namespace osiris
