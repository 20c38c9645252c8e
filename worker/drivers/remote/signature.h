// AWS Signature Version 4, which S3 and what speaks its protocol want of a request: an HMAC over what is asked for.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/http/transport.h"
#include "worker/drivers/remote/location.h"

namespace osiris::worker::remote {

// The parameters of a URL, not encoded.
using Query = std::vector<std::pair<std::string, std::string>>;

// "20250131T100000Z"
std::string amazon_time(int64_t unix_s);

// A key as it stands in a URL: "a b/c" is "a%20b/c".
std::string encoded_path(const std::string& path);
// "?a=1&b=", sorted by name; empty without parameters.
std::string encoded_query(const Query& query);

// Adds the headers that sign the request: its method, its URL, whose query is encoded_query(), its body, and the
// headers that it has of Content-MD5 and x-amz-*. `time`: amazon_time(). Nothing is added where `access` has no key.
void sign(http::Request& request, const S3Access& access, const std::string& time);

}  // namespace osiris::worker::remote
