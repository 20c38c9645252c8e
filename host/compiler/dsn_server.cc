#include "host/compiler/dsn_server.h"

#include <charconv>

#include "protocol/base/text.h"

namespace osiris {
namespace {

void read_port(std::string_view text, DsnServer& server) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536) server.port = port;
}

void take(std::string_view key, std::string_view value, DsnServer& server) {
  if (key == "host" && !value.empty()) server.host = value;
  if (key == "port") read_port(value, server);
}

DsnServer server_of_uri(std::string_view rest) {
  DsnServer server;
  const size_t question = rest.find('?');
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  const size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  const size_t colon = bracket == std::string_view::npos ? bracket : authority.find(':', bracket);
  if (colon != std::string_view::npos) read_port(authority.substr(colon + 1), server);
  server.host = authority.substr(0, colon);
  if (server.host.starts_with('[') && server.host.ends_with(']'))
    server.host = server.host.substr(1, server.host.size() - 2);
  if (question == std::string_view::npos) return server;
  for (const std::string& pair : split(rest.substr(question + 1), '&'))
    if (const size_t equals = pair.find('='); equals != std::string::npos)
      take(std::string_view(pair).substr(0, equals), std::string_view(pair).substr(equals + 1), server);
  return server;
}

// key = 'a value', separated by blanks.
DsnServer server_of_pairs(std::string_view text) {
  DsnServer server;
  for (size_t at = 0; at < text.size();) {
    const size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    const std::string_view key = trim(text.substr(at, equals - at));
    size_t begin = text.find_first_not_of(" \t\n", equals + 1);
    if (begin == std::string_view::npos) break;
    std::string value;
    const bool is_quoted = text[begin] == '\'';
    for (begin += is_quoted ? 1 : 0; begin < text.size(); ++begin) {
      if (is_quoted ? text[begin] == '\'' : text[begin] == ' ' || text[begin] == '\t' || text[begin] == '\n') break;
      if (text[begin] == '\\' && begin + 1 < text.size()) ++begin;
      value += text[begin];
    }
    take(key, value, server);
    at = begin + 1;
  }
  return server;
}

}  // namespace

DsnServer server_of_dsn(std::string_view dsn) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"})
    if (dsn.starts_with(scheme)) return server_of_uri(dsn.substr(scheme.size()));
  return server_of_pairs(dsn);
}

}  // namespace osiris
