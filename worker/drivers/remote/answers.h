// What the answers of web servers and S3 services mean to a step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/http/transport.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::remote {

enum class Doing { kReads, kWrites };

// `shown` names the object in errors, whose detail has the `status`.
web::Verdict judge(Doing doing, const std::string& shown, const http::Request& request, const http::Response& response);

Error changed_while_read(const std::string& shown);

// All digits; nullopt for anything else.
std::optional<uint64_t> number_of(std::string_view text);
// Empty where there is none, or a weak one, which does not say that bytes are the same.
std::string strong_etag(const http::Response& response);

// Whether a tag is the MD5 of an object's bytes, or of its parts' MD5s with their number behind a dash: not where the
// service encrypts with keys of its own kind, and some services count versions.
bool is_of_content(std::string_view tag);
// Whether an answer's tag can be one.
bool tells_content(const http::Response& response);
// 16 bytes.
std::string md5(std::string_view bytes);

}  // namespace osiris::worker::remote
