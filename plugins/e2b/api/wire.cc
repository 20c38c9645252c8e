#include "plugins/e2b/api/wire.h"

#include <algorithm>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::e2b {
namespace {

constexpr size_t kBodyShownBytes = 2'000;
constexpr size_t kEnvelopeBytes = 5;                      // before a message of a Connect stream: flags and length
constexpr size_t kBodySearchedBytes = size_t{256} << 10;  // of an answer, for credentials

// Request headers that carry credentials.
constexpr std::string_view kCredentialHeaders[] = {"X-API-Key", "X-Access-Token", "E2b-Traffic-Access-Token",
                                                   "Authorization"};

// What of a request body may be written down. Input to a process carries secrets; uploads are the user's data.
std::string shown_body(const http::Request& request) {
  if (request.body_stream) return "(streamed)";
  if (request.has_secrets) return "(" + std::to_string(request.body.size()) + " bytes for the worker)";
  if (request.url.find("/process.Process/") != std::string::npos && request.body.size() >= kEnvelopeBytes &&
      request.body[0] == '\0')
    return request.body.substr(kEnvelopeBytes, kBodyShownBytes);
  return request.body.substr(0, kBodyShownBytes);
}

// The address of an upload is signed: who has it may upload.
std::string shown_url(const http::Request& request) {
  return request.method == "PUT" ? request.url.substr(0, request.url.find('?')) : request.url;
}

// An answer's body is shown as far as it is a document: not the data of files and streams, and not where it may repeat
// the secrets of its request.
bool is_file(const http::Request& request) {
  return request.method == "GET" && request.url.find("/files?") != std::string::npos;
}

bool is_document(const http::Response& response) {
  const std::string_view type = response.headers.get("Content-Type");
  return type.starts_with("application/json") || type.starts_with("text/plain");
}

// The texts that an answer gives under a name that lets others in; as JSON writes them, with or without blanks, whole
// or cut off.
std::vector<std::string> credentials_in(std::string_view body) {
  static constexpr std::string_view kNames[] = {"\"envdAccessToken\"", "\"trafficAccessToken\"", "\"accessToken\"",
                                                "\"token\"", "\"url\""};
  static constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string> found;
  for (const std::string_view name : kNames)
    for (size_t at = 0; (at = body.find(name, at)) != std::string_view::npos;) {
      at = std::min(body.find_first_not_of(kBlanks, at + name.size()), body.size());
      if (at == body.size() || body[at] != ':') continue;
      at = std::min(body.find_first_not_of(kBlanks, at + 1), body.size());
      if (at == body.size() || body[at] != '"') continue;
      const size_t begin = ++at;
      while (at < body.size() && body[at] != '"') at += body[at] == '\\' ? 2 : 1;
      at = std::min(at, body.size());
      const std::string written(body.substr(begin, at - begin));
      found.push_back(written);
      if (const auto text = parse_json("\"" + written + "\"")) found.push_back(text->as_string());
    }
  return found;
}

// Notes how an exchange ended, when it ends.
class WatchedExchange : public http::Exchange {
 public:
  WatchedExchange(std::unique_ptr<http::Exchange> inner, WatchedTransport& transport, uint64_t number, bool shows_body)
      : inner_(std::move(inner)),
        transport_(transport),
        number_(number),
        shows_body_(shows_body),
        started_ns_(system_clock().monotonic_ns()) {}

  ~WatchedExchange() override {
    inner_.reset();
    const int64_t ms = (system_clock().monotonic_ns() - started_ns_) / 1'000'000;
    for (const std::string& credential : credentials_in(body_)) transport_.mask(credential);
    transport_.note("#" + std::to_string(number_) + " < " + outcome_ + " " + std::to_string(bytes_) + " bytes in " +
                        std::to_string(ms) + " ms" + (body_.empty() ? "" : " " + body_),
                    kBodyShownBytes);
  }

  Result<const http::Response*> head() override {
    auto result = inner_->head();
    if (result) outcome_ = "HTTP " + std::to_string((*result)->status);
    return result;
  }

  Result<std::string> read(http::Milliseconds wait) override {
    auto bytes = inner_->read(wait);
    if (bytes) {
      bytes_ += bytes->size();
      const auto answer = inner_->head();
      if (shows_body_ && answer && is_document(**answer) && body_.size() < kBodySearchedBytes)
        body_ += bytes->substr(0, kBodySearchedBytes - body_.size());
    }
    if (!bytes && bytes.error().code != Code::kDeadline) outcome_ = bytes.error().message;
    return bytes;
  }

  void cancel() override { inner_->cancel(); }
  bool reached_server() const override { return inner_->reached_server(); }

 private:
  std::unique_ptr<http::Exchange> inner_;
  WatchedTransport& transport_;
  const uint64_t number_;
  const bool shows_body_;
  const int64_t started_ns_;
  uint64_t bytes_ = 0;
  std::string body_;
  std::string outcome_ = "unfinished";
};

}  // namespace

Status WatchedTransport::open_log(const std::filesystem::path& path) {
  OSIRIS_ASSIGN(LineFile file, LineFile::open(path));
  const std::lock_guard lock(mutex_);
  log_.emplace(std::move(file));
  return {};
}

void WatchedTransport::mask(std::string_view secret) {
  const std::lock_guard lock(mutex_);
  if (log_ && !secret.empty() && masked_.emplace(secret).second) redactor_.add(secret);
}

void WatchedTransport::note(const std::string& text, size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  if (!log_) return;
  std::string line = redactor_.redact(text);  // before it is cut, so that no half of a secret stays
  if (line.size() > bytes_max) line.resize(bytes_max);
  line = format_iso8601_micros(system_clock().unix_ns(), true) + " " + line;
  for (char& c : line)
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7F)
      c = ' ';                                 // line ends, escape sequences
  if (!log_->append(line).ok()) log_.reset();  // a debug log never fails a run
}

std::unique_ptr<http::Exchange> WatchedTransport::open(http::Request request) {
  const uint64_t number = ++calls_;
  bool logging = false;
  {
    const std::lock_guard lock(mutex_);
    logging = log_.has_value();
  }
  if (!logging) return inner_.open(std::move(request));
  for (const std::string_view header : kCredentialHeaders) mask(request.headers.get(header));
  note("#" + std::to_string(number) + " > " + request.method + " " + shown_url(request) + " " + shown_body(request));
  const bool shows_body = !is_file(request) && !request.has_secrets;
  return std::make_unique<WatchedExchange>(inner_.open(std::move(request)), *this, number, shows_body);
}

}  // namespace osiris::e2b
