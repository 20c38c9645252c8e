#include "servers/e2b/http.h"

#include <algorithm>

#include "protocol/base/text.h"

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
    auto count = read_body(block, sizeof block);
    if (!count.ok()) {
      respond_error(400, count.error().message);
      return count.error();
    }
    if (*count == 0) return body;
    if (body.size() + *count > max_bytes) {
      respond_error(413, "request body is larger than " + std::to_string(max_bytes) + " bytes");
      return Error(Code::kExhausted, "request body is larger than allowed");
    }
    body.append(block, *count);
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

std::string content_disposition(std::string_view filename) {
  const bool plain = std::all_of(filename.begin(), filename.end(),
                                 [](unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (plain) return "inline; filename=\"" + std::string(filename) + "\"";
  return "inline; filename*=utf-8''" + percent_encode(filename);
}

std::string content_type_of(std::string_view path) {
  constexpr std::pair<std::string_view, const char*> kTypes[] = {{".css", "text/css; charset=utf-8"},
                                                                 {".csv", "text/csv; charset=utf-8"},
                                                                 {".gif", "image/gif"},
                                                                 {".htm", "text/html; charset=utf-8"},
                                                                 {".html", "text/html; charset=utf-8"},
                                                                 {".jpeg", "image/jpeg"},
                                                                 {".jpg", "image/jpeg"},
                                                                 {".js", "text/javascript; charset=utf-8"},
                                                                 {".json", "application/json"},
                                                                 {".pdf", "application/pdf"},
                                                                 {".png", "image/png"},
                                                                 {".svg", "image/svg+xml"},
                                                                 {".txt", "text/plain; charset=utf-8"},
                                                                 {".wasm", "application/wasm"},
                                                                 {".webp", "image/webp"},
                                                                 {".xml", "text/xml; charset=utf-8"}};
  for (const auto& [end, type] : kTypes)
    if (path.ends_with(end)) return type;
  return "application/octet-stream";
}

const char* reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

}  // namespace osiris::e2b_server
