#include "servers/e2b/connect_codec.h"

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kHeadBytes = 5;
constexpr size_t kPayloadMaxBytes = 64u << 20;

constexpr std::pair<std::string_view, int> kCodes[] = {{"canceled", 499},
                                                       {"unknown", 500},
                                                       {"invalid_argument", 400},
                                                       {"deadline_exceeded", 504},
                                                       {"not_found", 404},
                                                       {"already_exists", 409},
                                                       {"permission_denied", 403},
                                                       {"resource_exhausted", 429},
                                                       {"failed_precondition", 400},
                                                       {"aborted", 409},
                                                       {"out_of_range", 400},
                                                       {"unimplemented", 501},
                                                       {"internal", 500},
                                                       {"unavailable", 503},
                                                       {"data_loss", 500},
                                                       {"unauthenticated", 401}};

void refuse_type(Exchange& exchange, const char* accepted) { exchange.respond(415, {{"accept-post", accepted}}, ""); }

bool has_type(const Request& request, std::string_view wanted) {
  const std::string type = request.header("content-type").value_or("");
  return trim(std::string_view(type).substr(0, type.find(';'))) == wanted;
}

}  // namespace

std::string envelope(uint8_t flags, std::string_view payload) {
  std::string out;
  out.reserve(kHeadBytes + payload.size());
  out += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((payload.size() >> shift) & 0xff);
  out += payload;
  return out;
}

Result<std::optional<Envelope>> EnvelopeReader::next() {
  if (buffer_.size() < kHeadBytes) return std::optional<Envelope>();
  size_t length = 0;
  for (size_t i = 1; i < kHeadBytes; ++i) length = length << 8 | static_cast<unsigned char>(buffer_[i]);
  if (length > kPayloadMaxBytes) return Error(Code::kExhausted, "an envelope of " + std::to_string(length) + " bytes");
  if (buffer_.size() < kHeadBytes + length) return std::optional<Envelope>();
  Envelope out{static_cast<uint8_t>(buffer_[0]), buffer_.substr(kHeadBytes, length)};
  buffer_.erase(0, kHeadBytes + length);
  return std::optional<Envelope>(std::move(out));
}

int http_status_of(std::string_view connect_code) {
  for (const auto& [code, status] : kCodes)
    if (code == connect_code) return status;
  return 500;
}

void respond_connect_error(Exchange& exchange, std::string_view code, std::string_view message) {
  exchange.respond_json(http_status_of(code), Json::object({{"code", code}, {"message", message}}));
}

std::string end_of_stream() { return envelope(kEndOfStream, "{}"); }

std::string end_of_stream(std::string_view code, std::string_view message) {
  const Json error = Json::object({{"code", code}, {"message", message}});
  return envelope(kEndOfStream, Json::object({{"error", error}}).dump());
}

bool begin_connect_stream(Exchange& exchange) {
  return exchange.begin_stream(200, {{"content-type", "application/connect+json"}}, std::nullopt);
}

void fail_connect_stream(Exchange& exchange, std::string_view code, std::string_view message) {
  if (!begin_connect_stream(exchange)) return;
  exchange.write(end_of_stream(code, message));
  exchange.end_stream();
}

std::optional<Json> read_unary(Exchange& exchange) {
  if (!has_type(exchange.request(), "application/json")) {
    refuse_type(exchange, "application/json");
    return std::nullopt;
  }
  auto body = exchange.read_body_all(64u << 20);
  if (!body.ok()) return std::nullopt;
  auto message = parse_json(body->empty() ? "{}" : *body);
  if (!message.ok() || !message->is_object()) {
    respond_connect_error(exchange, "invalid_argument", "the request is not a JSON message");
    return std::nullopt;
  }
  return *std::move(message);
}

bool has_stream_type(const Request& request) { return has_type(request, "application/connect+json"); }

bool is_connect_stream(Exchange& exchange) {
  if (has_stream_type(exchange.request())) return true;
  refuse_type(exchange, "application/connect+json");
  return false;
}

std::optional<Json> read_stream_request(Exchange& exchange) {
  if (!is_connect_stream(exchange)) return std::nullopt;
  auto body = exchange.read_body_all(64u << 20);
  if (!body.ok()) return std::nullopt;
  EnvelopeReader reader;
  reader.feed(*body);
  auto first = reader.next();
  auto message = first.ok() && first->has_value() ? parse_json((*first)->payload)
                                                  : Result<Json>(Error(Code::kInvalidArgument, ""));
  if (message.ok() && message->is_object() && reader.is_empty() && (*first)->flags == 0) return *std::move(message);
  fail_connect_stream(exchange, "invalid_argument",
                      "the request is not exactly one uncompressed envelope with a JSON message");
  return std::nullopt;
}

const Json& field(const Json& message, std::string_view camel, std::string_view snake) {
  const Json* found = message.find(camel);
  return found ? *found : message[snake];
}

int64_t integer(const Json& value, int64_t fallback) {
  if (!value.is_string()) return value.as_int(fallback);
  char* end = nullptr;
  const int64_t parsed = std::strtoll(value.as_string().c_str(), &end, 10);
  return end && *end == '\0' && end != value.as_string().c_str() ? parsed : fallback;
}

std::optional<std::string> decode_bytes(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  std::string text = value.as_string();
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  text.append((4 - text.size() % 4) % 4, '=');
  return base64_decode(text);
}

}  // namespace osiris::e2b_server
