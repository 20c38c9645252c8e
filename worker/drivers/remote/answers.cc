#include "worker/drivers/remote/answers.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/remote/listing.h"

namespace osiris::worker::remote {
namespace {

constexpr size_t kWordsBytes = 300;

// "NoSuchKey: The specified key does not exist." of an S3 error; the beginning of any other text.
std::string words_of(const std::string& body) {
  const std::string code = element_of(body, "Code"), message = element_of(body, "Message");
  if (!code.empty()) return printable_line((code + ": " + message).substr(0, kWordsBytes));
  return body.starts_with("<") ? std::string() : printable_line(std::string(trim(body.substr(0, kWordsBytes))));
}

// Refusals that S3 gives a 400 or 409, or even a 200, and that say "again": what came was damaged on the way, or slow.
bool is_passing(const std::string& code) {
  static constexpr std::array<std::string_view, 8> kCodes = {
      "BadDigest",        "IncompleteBody",     "RequestTimeout", "XAmzContentSHA256Mismatch",
      "OperationAborted", "ServiceUnavailable", "InternalError",  "SlowDown"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

struct Meaning {
  Code code;
  const char *category, *hint;
};

Meaning meaning_of(Doing doing, int status, const std::string& code) {
  const bool reads = doing == Doing::kReads;
  if (status == 401)
    return {Code::kUnauthenticated, category::kConnectionAuthFailed, "check the keys of the connection"};
  if (status == 403 && reads)
    return {Code::kUnauthenticated, category::kExtractPermissionDenied,
            "check the keys of the connection, its region, and what they may read; where these may not list, a service "
            "answers so for what is not there"};
  if (status == 403)
    return {Code::kUnauthenticated, category::kWritePermissionDenied,
            "check the keys of the connection, its region, and what they may write"};
  if (status == 404 || status == 410)
    return {Code::kNotFound, reads ? category::kExtractNoData : category::kWritePathNotFound,
            "check the path, and the connection's endpoint and region"};
  if (status == 507) return {Code::kExhausted, category::kWriteDiskFull, "make room at the service"};
  if (status == 408 || status == 429 || status >= 500 || is_passing(code))
    return {Code::kUnavailable, category::kConnectionFailed, "try again later"};
  return {Code::kInvalidArgument, reads ? category::kExtractQueryFailed : category::kWriteFailed,
          "check the path and the connection"};
}

}  // namespace

Error changed_while_read(const std::string& shown) {
  return Error(Code::kStepFailed, shown + " was changed while it was read", "run again, when it is written no more",
               category::kExtractNoData);
}

web::Verdict judge(Doing doing, const std::string& shown, const http::Request& request,
                   const http::Response& response) {
  const int status = response.status;
  const bool is_late_error =
      doing == Doing::kWrites && status == 200 && response.body.find("<Error>") != std::string::npos;
  if (status >= 200 && status <= 299 && !is_late_error) return {};
  if (status >= 300 && status < 400) return web::judge_status(request, response);
  if (status == 412 && doing == Doing::kReads) return {changed_while_read(shown)};
  const std::string words = words_of(response.body);
  const Meaning meaning = meaning_of(doing, status, element_of(response.body, "Code"));
  Error error(meaning.code,
              shown + ": the server answered " + std::to_string(status) + (words.empty() ? "" : ": " + words),
              meaning.hint, meaning.category);
  error.detail = Json::object({{"status", status}});
  return {error, meaning.code == Code::kUnavailable};
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool is_of_content(std::string_view tag) {
  if (tag.size() < 34 || tag.front() != '"' || tag.back() != '"') return false;
  tag = tag.substr(1, tag.size() - 2);
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!std::all_of(tag.begin(), tag.begin() + 32, is_hex)) return false;
  return tag.size() == 32 || (tag[32] == '-' && number_of(tag.substr(33)));
}

bool tells_content(const http::Response& response) {
  const std::string_view encryption = response.headers.get("x-amz-server-side-encryption");
  return (encryption.empty() || encryption == "AES256") &&
         !response.headers.has("x-amz-server-side-encryption-customer-algorithm");
}

std::string md5(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr);
  return {reinterpret_cast<const char*>(digest), size};
}

std::string strong_etag(const http::Response& response) {
  const std::string_view etag = response.headers.get("etag");
  return etag.starts_with('"') ? std::string(etag) : std::string();
}

}  // namespace osiris::worker::remote
