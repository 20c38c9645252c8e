#include "worker/drivers/remote/store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/text.h"
#include "worker/drivers/remote/signature.h"

namespace osiris::worker::remote {
namespace {

constexpr int64_t kRequestLimit_ms = 300'000;
constexpr uint64_t kPieceBytes = uint64_t{32} << 20;
constexpr size_t kCheckedBytes = size_t{1} << 20;

// Of "bytes 0-9/120".
struct ContentRange {
  uint64_t first = 0;
  std::optional<uint64_t> total;
};
std::optional<ContentRange> content_range(const http::Response& response) {
  std::string_view text = response.headers.get("content-range");
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos) return std::nullopt;
  const auto first = number_of(text.substr(0, dash));
  if (!first) return std::nullopt;
  return ContentRange{*first, number_of(text.substr(slash + 1))};
}

std::string range(uint64_t at, uint64_t size) {
  return "bytes=" + std::to_string(at) + "-" + std::to_string(at + size - 1);
}

// The same version, please.
void add_condition(http::Request& request, const Object& object) {
  if (!object.etag.empty())
    request.headers.add("If-Match", object.etag);
  else if (!object.modified.empty())
    request.headers.add("If-Unmodified-Since", object.modified);
}

// Whether a part of an answer is of the object and begins where it was asked to.
Status check_part(const Object& object, uint64_t at, const http::Response& head) {
  const auto range = content_range(head);
  if (head.status != 206 || !range)
    return Error(Code::kUnsupported, object.shown + ": the server does not serve parts of it");
  const std::string etag = strong_etag(head);
  if ((!object.etag.empty() && !etag.empty() && etag != object.etag) ||
      (object.size && range->total && *range->total != *object.size))
    return changed_while_read(object.shown);
  if (range->first != at)
    return Error(Code::kStepFailed, object.shown + ": the server sent another part than the one asked for", "",
                 category::kExtractQueryFailed);
  return {};
}

}  // namespace

web::ClientOptions client_options() {
  web::ClientOptions options;
  options.user_agent = "osiris files";
  options.timeout_ms = kRequestLimit_ms;
  options.silence_ms = web::kSilence_ms;
  options.retries_max = 4;
  options.retry_delay_ms = 250;
  return options;
}

Store::Store(StepContext& step, std::optional<S3Access> access)
    : step_(step), access_(std::move(access)), client_(step, client_options()) {}

Result<std::shared_ptr<Store>> Store::open(StepContext& step, const Location& location) {
  std::optional<S3Access> access;
  if (location.is_s3()) {
    OSIRIS_ASSIGN(access, read_access(step));
  }
  return std::shared_ptr<Store>(new Store(step, std::move(access)));
}

http::Request Store::request(const std::string& method, const std::string& url) const {
  http::Request request;
  request.method = method;
  request.url = url;
  request.idempotent = true;
  return request;
}

Result<http::Response> Store::send(http::Request request, const std::string& shown, web::Client::Sink sink,
                                   Doing doing) {
  request.label = shown;
  if (access_) sign(request, *access_, amazon_time(system_clock().unix_ns() / 1'000'000'000));
  return client_.exchange(
      std::move(request),
      [&](const http::Request& asked, const http::Response& response) { return judge(doing, shown, asked, response); },
      sink);
}

Object Store::described(std::string shown, std::string url, const http::Response& response) const {
  return {std::move(shown), std::move(url), number_of(response.headers.get("content-length")), strong_etag(response),
          std::string(response.headers.get("last-modified"))};
}

Result<Object> Store::look_up(const Location& location) {
  const std::string url =
      location.is_s3() ? bucket_url(*access_, location.bucket) + "/" + encoded_path(location.key) : location.url;
  const auto head = send(request("HEAD", url), location.shown);
  if (head.ok()) return described(location.shown, url, *head);
  // A URL that was signed for GET, or a server without HEAD.
  const int64_t status = head.error().detail["status"].as_int();
  if (location.is_s3() || (status != 403 && status != 405 && status != 501 && status != 400)) return head.error();
  http::Request first = request("GET", url);
  first.headers.add("Range", "bytes=0-0");
  std::optional<Object> whole;
  auto got = send(std::move(first), location.shown, [&](const http::Response& answer, uint64_t, std::string_view) {
    if (answer.status == 206) return Status();
    whole = described(location.shown, url, answer);
    return Status(Error(Code::kUnsupported, "the whole is not wanted yet"));
  });
  if (whole) return *whole;
  if (!got.ok()) return got.error();
  Object object = described(location.shown, url, *got);
  const auto part = content_range(*got);
  object.size = part ? part->total : std::nullopt;
  return object;
}

Status Store::each_listed(const std::string& bucket, const std::string& prefix,
                          const std::function<Status(const ListedObject&)>& take, Doing doing) {
  const std::string shown = "s3://" + bucket + "/" + prefix;
  std::set<std::string> tokens;  // a listing that goes round ends
  std::string token;
  for (;;) {
    Query query = {{"list-type", "2"}, {"prefix", prefix}, {"encoding-type", "url"}};
    if (!token.empty()) query.emplace_back("continuation-token", token);
    OSIRIS_ASSIGN(
        const http::Response answer,
        send(request("GET", bucket_url(*access_, bucket) + "/" + encoded_query(query)), shown, nullptr, doing));
    OSIRIS_ASSIGN(const Listing listing, read_listing(answer.body));
    for (const ListedObject& listed : listing.objects) OSIRIS_TRY(take(listed));
    if (listing.next.empty()) return {};
    if (!tokens.insert(listing.next).second)
      return Error(Code::kStepFailed, "the listing of " + shown + " gave the same page twice", "",
                   category::kExtractQueryFailed);
    token = listing.next;
  }
}

Result<std::vector<std::pair<std::string, Object>>> Store::list(const Location& pattern) {
  const std::filesystem::path wanted = "/" + pattern.key;
  const std::string prefix = pattern.key.substr(0, pattern.key.find_first_of("*?["));
  const std::string base = bucket_url(*access_, pattern.bucket);
  std::vector<std::pair<std::string, Object>> found;
  OSIRIS_TRY(each_listed(
      pattern.bucket, prefix,
      [&](const ListedObject& listed) -> Status {
        if (listed.key.ends_with('/') || !matches_file_pattern(wanted, "/" + listed.key)) return {};
        const std::string path = "s3://" + pattern.bucket + "/" + listed.key;
        found.emplace_back(path, Object{path, base + "/" + encoded_path(listed.key), listed.size,
                                        listed.etag.starts_with('"') ? listed.etag : "", ""});
        if (found.size() > kMatchesMax)
          return Error(Code::kInvalidArgument,
                       "'" + pattern.shown + "' finds more than " + std::to_string(kMatchesMax) + " objects",
                       "narrow the pattern", category::kConfigInvalid);
        return {};
      },
      Doing::kReads));
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return found;
}

Result<std::vector<std::string>> Store::keys(const std::string& bucket, const std::string& prefix) {
  std::vector<std::string> keys;
  OSIRIS_TRY(each_listed(
      bucket, prefix,
      [&](const ListedObject& listed) {
        keys.push_back(listed.key);
        return Status();
      },
      Doing::kWrites));
  return keys;
}

Status Store::remove(const Location& object) {
  const std::string url = bucket_url(*access_, object.bucket) + "/" + encoded_path(object.key);
  const auto removed = send(request("DELETE", url), object.shown, nullptr, Doing::kWrites);
  return removed.ok() || removed.error().code == Code::kNotFound ? Status() : Status(removed.error());
}

Status Store::read(const Object& object, uint64_t at, char* buffer, size_t size) {
  if (size == 0) return {};
  http::Request part = request("GET", object.url);
  part.headers.add("Range", range(at, size));
  add_condition(part, object);
  uint64_t got = 0;
  const auto answer = send(std::move(part), object.shown,
                           [&](const http::Response& head, uint64_t offset, std::string_view bytes) -> Status {
                             if (offset == 0) OSIRIS_TRY(check_part(object, at, head));
                             if (offset + bytes.size() > size) return changed_while_read(object.shown);
                             std::memcpy(buffer + offset, bytes.data(), bytes.size());
                             got = offset + bytes.size();
                             return {};
                           });
  if (!answer.ok()) return answer.error();
  return got == size ? Status() : Status(changed_while_read(object.shown));
}

// Where the service's tag is the MD5 of the bytes, they are compared with it. Of an object that came in parts it is
// not, nor of any server that is no S3 service.
Status Store::check_copy(const Object& object, const std::filesystem::path& file, bool tells) const {
  constexpr size_t kTagBytes = 34;  // with its quotes, and no number of parts
  if (!access_ || !tells || object.etag.size() != kTagBytes || !is_of_content(object.etag)) return {};
  const FileDescriptor in = FileDescriptor::open(file, O_RDONLY);
  if (!in.is_open()) return errno_error(errno, "cannot open", file);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(sum.get(), EVP_md5(), nullptr);
  std::string block(kCheckedBytes, '\0');
  for (int64_t got = 0; (got = read_some(in.get(), block.data(), block.size())) != 0;) {
    if (got < 0) return errno_error(errno, "cannot read", file);
    EVP_DigestUpdate(sum.get(), block.data(), static_cast<size_t>(got));
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(sum.get(), digest, &size);
  const std::string made = "\"" + to_hex({reinterpret_cast<const char*>(digest), size}) + "\"";
  if (made == object.etag) return {};
  return Error(Code::kUnavailable,
               object.shown + ": other bytes came than the service holds (their MD5 is " + made + ", its ETag " +
                   object.etag + ")",
               "run again; if it lasts, something between here and the service changes what is sent",
               category::kConnectionFailed);
}

Status Store::copy(const Object& object, const std::filesystem::path& file) {
  const FileDescriptor out = FileDescriptor::open(file, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (!out.is_open()) return errno_error(errno, "cannot make", file);
  uint64_t done = 0;
  bool tells = true;
  for (bool is_whole = false; !is_whole && (!object.size || done < *object.size);) {
    if (step_.is_cancelled()) return step_cancelled();
    http::Request part = request("GET", object.url);
    part.headers.add("Range", range(done, kPieceBytes));
    add_condition(part, object);
    uint64_t got = 0;
    const auto answer = send(std::move(part), object.shown,
                             [&](const http::Response& head, uint64_t offset, std::string_view bytes) -> Status {
                               tells = tells && tells_content(head);
                               // The whole of it at once.
                               is_whole = head.status == 200 && done == 0;
                               if (offset == 0 && !is_whole) OSIRIS_TRY(check_part(object, done, head));
                               got = offset + bytes.size();
                               const auto written =
                                   ::pwrite(out.get(), bytes.data(), bytes.size(), static_cast<off_t>(done + offset));
                               if (written != static_cast<ssize_t>(bytes.size()))
                                 return errno_error(errno, "cannot write", file);
                               return {};
                             });
    if (!answer.ok()) {
      // There is nothing behind the last byte, or nothing at all.
      if (!object.size && answer.error().detail["status"].as_int() == 416) break;
      return answer.error();
    }
    done += got;
    if (got < kPieceBytes && !object.size) break;
    if (got == 0) break;
  }
  if (object.size && done != *object.size) return changed_while_read(object.shown);
  return check_copy(object, file, tells);
}

}  // namespace osiris::worker::remote
