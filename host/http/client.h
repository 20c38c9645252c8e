// HTTP for the rooms that tell others of a run: by the program osiris-http, which is started with the first request and
// answers one after the other. So libcurl and OpenSSL are in no process that sends nothing, and what hangs in a name
// server can be ended. docs/decisions/0174-http-by-a-program.md.
#pragma once

#include <filesystem>
#include <memory>

#include "protocol/http/curl_transport.h"
#include "protocol/http/transport.h"

namespace osiris::http {

// What a client is made of.
struct ClientOptions {
  std::filesystem::path program;  // osiris-http, absolute
  CurlOptions curl;
};

// <library directory>/osiris-http.
std::filesystem::path client_program(const std::filesystem::path& library_directory);

// One exchange at a time; the next is opened when the last is gone. A request has no body_stream, and of its answer at
// most buffered_bytes_max are taken. The program dies with the thread that opened the first exchange.
class Client : public Transport {
 public:
  explicit Client(ClientOptions options);
  ~Client() override;
  std::unique_ptr<Exchange> open(Request request) override;

 private:
  class Program;
  class Call;

  const ClientOptions options_;
  std::unique_ptr<Program> program_;  // null: not started, or ended
};

}  // namespace osiris::http
