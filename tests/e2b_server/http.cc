#include "tests/e2b_server/http.h"

#include <algorithm>

namespace osiris::e2b_server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> look_up(const Pairs& pairs, std::string_view key) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
  if (found == pairs.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::optional<std::string> Request::header(std::string_view lower_name) const { return look_up(headers, lower_name); }
std::optional<std::string> Request::query_value(std::string_view key) const { return look_up(query, key); }

Result<std::string> Exchange::read_body_all(size_t max_bytes) {
  std::string body;
  char block[16384];
  while (true) {
    OSIRIS_ASSIGN(const size_t count, read_body(block, sizeof block));
    if (count == 0) return body;
    if (body.size() + count > max_bytes) return Error(Code::kExhausted, "request body is larger than allowed");
    body.append(block, count);
  }
}

void Exchange::respond_json(int status, const Json& body) {
  respond(status, {{"content-type", "application/json"}}, body.dump());
}

void Exchange::respond_error(int status, std::string_view message) {
  respond_json(status, Json::object({{"code", status}, {"message", message}}));
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Pairs parse_form(std::string_view text) {
  Pairs out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    const size_t equal = item.find('=');
    const std::string_view value = equal == std::string_view::npos ? std::string_view() : item.substr(equal + 1);
    out.emplace_back(percent_decode(item.substr(0, equal), true), percent_decode(value, true));
  }
  return out;
}

const char* reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 409: return "Conflict";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

}  // namespace osiris::e2b_server
