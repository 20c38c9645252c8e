// What clients and the programs inside sandboxes can put before the local E2B server besides bodies: hosts and headers
// that route, dates, file names that come back in headers, create requests, and the answers of a program behind a port.
// Nothing crashes, and nothing of it can end a header line early.
//
// links: osiris_e2b_server
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "servers/e2b/auth.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/create_request.h"
#include "servers/e2b/http_range.h"
#include "servers/e2b/network.h"
#include "servers/e2b/proxy.h"
#include "servers/e2b/routing.h"

namespace {

using namespace osiris::e2b_server;

// Keeps nothing but the order of calls.
class FakeExchange final : public Exchange {
 public:
  const Request& request() const override { return request_; }
  osiris::Result<size_t> read_body(char*, size_t) override { return size_t{0}; }
  void add_header(const std::string&, const std::string&) override {}
  void respond(int status, const Pairs& headers, std::string_view) override { begin(status, headers); }
  bool begin_stream(int status, const Pairs& headers, std::optional<uint64_t>) override {
    return begin(status, headers), true;
  }
  bool write(std::string_view bytes) override { return !bytes.empty() || (std::abort(), false); }
  void end_stream() override {}
  void abort() override {}
  void cut(CutAt, bool) override {}
  Wake wait(int, std::chrono::milliseconds) override { return Wake::kEvent; }
  int answers = 0;

 private:
  void begin(int status, const Pairs& headers) {
    if (++answers > 1 || status < 200 || status > 599) std::abort();
    for (const auto& [name, value] : headers)
      if ((name + value).find('\n') != std::string::npos) std::abort();
  }
  Request request_{1, "GET", "/", "/", {}, {}};
};

void relay(std::string_view bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
  if (::send(ends[1], bytes.data(), std::min<size_t>(bytes.size(), 60'000), MSG_DONTWAIT) >= 0) {
    ::shutdown(ends[1], SHUT_WR);
    FakeExchange exchange;
    relay_answer(exchange, ends[0]);
    if (exchange.answers != 1) std::abort();
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Request request{
      1, "GET", text, percent_decode(text), parse_form(text), {{"host", text}, {"authorization", "Basic " + text}}};
  Destination destination = find_destination(request);
  if (destination.is_envd && destination.error.empty() && (destination.port < 1 || destination.port > 65535))
    std::abort();
  request.headers = {{"e2b-sandbox-id", text}, {"e2b-sandbox-port", text}};
  destination = find_destination(request);
  if (!destination.is_envd || (destination.error.empty() && destination.sandbox_id != text)) std::abort();
  acting_user(request);
  match_route(file_routes(), request);
  if (content_disposition(text).find_first_of("\r\n") != std::string::npos) std::abort();
  if (const auto date = parse_http_date(text);
      date && *date > 0 && *date < 253'402'300'800 && parse_http_date(http_date(*date)) != date)
    std::abort();
  if (const auto document = osiris::parse_json(text); document.ok()) {
    const auto refused = check_create(*document);
    if (refused && refused->status != 400) std::abort();
    egress_rules((*document)["network"], true);
    decode_bytes((*document)["input"]);
    integer((*document)["pid"]);
  }
  relay(text);
  return 0;
}
