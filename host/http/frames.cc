#include "host/http/frames.h"

#include <charconv>
#include <cstdint>

#include "protocol/base/wipe.h"

namespace osiris::http {
namespace {

constexpr uint64_t kFrameBytesMax = 256u << 20;
constexpr size_t kOptionTexts = 8, kRequestTexts = 10, kResponseTexts = 6, kFailureTexts = 7;
constexpr std::string_view kResponse = "response", kFailure = "failure";

void put_number(std::string& bytes, uint64_t number, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
}

uint64_t number_at(std::string_view bytes, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; ++i) number |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return number;
}

Error malformed(std::string_view what) {
  return Error(Code::kInternal, "osiris and osiris-http do not understand each other: " + std::string(what),
               "they belong to one installation: install osiris again");
}

// Texts of a frame one after the other; a number that is none, or a text too many or too few, makes the whole wrong.
class Texts {
 public:
  Texts(const Frame& frame, size_t first) : frame_(frame), at_(first) {}
  std::string text() { return at_ < frame_.size() ? frame_[at_++] : (is_wrong_ = true, std::string()); }
  int64_t number() {
    const std::string digits = text();
    int64_t number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    is_wrong_ |= failed != std::errc() || end != digits.data() + digits.size();
    return number;
  }
  bool flag() { return number() != 0; }
  Milliseconds milliseconds() { return Milliseconds{number()}; }
  // The rest, in pairs.
  Headers headers() {
    Headers headers;
    while (at_ < frame_.size()) {
      std::string name = text();
      headers.add(std::move(name), text());
    }
    return headers;
  }
  bool is_whole() const { return !is_wrong_ && at_ == frame_.size(); }

 private:
  const Frame& frame_;
  size_t at_;
  bool is_wrong_ = false;
};

std::string text_of(int64_t number) { return std::to_string(number); }
std::string text_of(Milliseconds time) { return std::to_string(time.count()); }

void add_headers(Frame& frame, const Headers& headers) {
  for (const auto& [name, value] : headers.entries()) {
    frame.push_back(name);
    frame.push_back(value);
  }
}

}  // namespace

std::string to_bytes(const Frame& frame) {
  uint64_t size = 0;
  for (const std::string& text : frame) size += 4 + text.size();
  std::string bytes;
  bytes.reserve(8 + size);  // once: what it holds is not left behind in smaller copies
  put_number(bytes, size, 8);
  for (const std::string& text : frame) {
    put_number(bytes, text.size(), 4);
    bytes += text;
  }
  return bytes;
}

Result<std::optional<Frame>> take_frame(std::string& bytes) {
  if (bytes.size() < 8) return std::optional<Frame>();
  const uint64_t size = number_at(bytes, 8);
  if (size > kFrameBytesMax) return malformed("a frame of " + std::to_string(size) + " bytes");
  if (bytes.size() - 8 < size) return std::optional<Frame>();
  Frame frame;
  for (std::string_view rest = std::string_view(bytes).substr(8, size); !rest.empty();) {
    if (rest.size() < 4 || number_at(rest, 4) > rest.size() - 4)
      return malformed("a text that is longer than its frame");
    const uint64_t length = number_at(rest, 4);
    frame.emplace_back(rest.substr(4, length));
    rest.remove_prefix(4 + length);
  }
  std::string next = bytes.substr(8 + size);
  wipe(bytes);
  bytes = std::move(next);
  return std::optional<Frame>(std::move(frame));
}

Frame options_frame(const CurlOptions& options) {
  return {options.ca_file,    options.system_ca_file, options.proxy,      options.https_proxy,
          options.http_proxy, options.no_proxy,       options.user_agent, text_of(options.verifies_certificates)};
}

Result<CurlOptions> options_of(const Frame& frame) {
  if (frame.size() != kOptionTexts) return malformed("options of " + std::to_string(frame.size()) + " texts");
  Texts texts(frame, 0);
  CurlOptions options;
  options.ca_file = texts.text();
  options.system_ca_file = texts.text();
  options.proxy = texts.text();
  options.https_proxy = texts.text();
  options.http_proxy = texts.text();
  options.no_proxy = texts.text();
  options.user_agent = texts.text();
  options.verifies_certificates = texts.flag();
  if (!texts.is_whole()) return malformed("options");
  return options;
}

Frame request_frame(const Request& request) {
  Frame frame = {request.method,
                 request.url,
                 request.label,
                 request.body,
                 text_of(request.idempotent),
                 text_of(request.has_secrets),
                 text_of(request.timeouts.connect),
                 text_of(request.timeouts.idle),
                 text_of(request.timeouts.total),
                 text_of(static_cast<int64_t>(request.buffered_bytes_max))};
  add_headers(frame, request.headers);
  return frame;
}

Result<Request> request_of(const Frame& frame) {
  if (frame.size() < kRequestTexts) return malformed("a request of " + std::to_string(frame.size()) + " texts");
  Texts texts(frame, 0);
  Request request;
  request.method = texts.text();
  request.url = texts.text();
  request.label = texts.text();
  request.body = texts.text();
  request.idempotent = texts.flag();
  request.has_secrets = texts.flag();
  request.timeouts.connect = texts.milliseconds();
  request.timeouts.idle = texts.milliseconds();
  request.timeouts.total = texts.milliseconds();
  request.buffered_bytes_max = static_cast<size_t>(texts.number());
  request.headers = texts.headers();
  if (!texts.is_whole()) return malformed("a request");
  return request;
}

Frame result_frame(const ExchangeResult& result) {
  if (result.failure) {
    const Failure& failure = *result.failure;
    return {std::string(kFailure),    std::string(code_name(failure.error.code)),
            failure.error.message,    failure.error.hint,
            failure.error.category,   text_of(failure.reached_server),
            text_of(failure.attempts)};
  }
  const Response& response = *result.response;
  Frame frame = {std::string(kResponse),
                 text_of(response.status),
                 response.body,
                 text_of(static_cast<int64_t>(response.bytes_sent)),
                 text_of(static_cast<int64_t>(response.bytes_received)),
                 text_of(response.attempts)};
  add_headers(frame, response.headers);
  return frame;
}

Result<ExchangeResult> result_of(const Frame& frame) {
  const std::string_view kind = frame.empty() ? std::string_view() : frame[0];
  Texts texts(frame, 1);
  ExchangeResult result;
  if (kind == kFailure && frame.size() == kFailureTexts) {
    Failure failure;
    failure.error.code = code_from_name(texts.text());
    failure.error.message = texts.text();
    failure.error.hint = texts.text();
    failure.error.category = texts.text();
    failure.reached_server = texts.flag();
    failure.attempts = static_cast<int>(texts.number());
    result.failure = std::move(failure);
  } else if (kind == kResponse && frame.size() >= kResponseTexts) {
    Response response;
    response.status = static_cast<int>(texts.number());
    response.body = texts.text();
    response.bytes_sent = static_cast<uint64_t>(texts.number());
    response.bytes_received = static_cast<uint64_t>(texts.number());
    response.attempts = static_cast<int>(texts.number());
    response.headers = texts.headers();
    result.response = std::move(response);
  } else {
    return malformed("an answer of " + std::to_string(frame.size()) + " texts");
  }
  if (!texts.is_whole()) return malformed("an answer");
  return result;
}

}  // namespace osiris::http
