// Ports of programs inside a sandbox, reached from outside.
#include "protocol/base/text.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

// Says its port when it listens. GET: chunked; POST: the body back; HEAD, 404.
constexpr const char* kProgram = R"py(python3 -u -c "
import http.server
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        if self.path == '/none': return self.send_error(404)
        self.send_response(200); self.send_header('transfer-encoding', 'chunked'); self.send_header('x-host', self.headers['host']); self.end_headers()
        for part in (b'one ', b'two'): self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(part), part))
        self.wfile.write(b'0\\r\\n\\r\\n')
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        self.send_response(201); self.send_header('content-length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
print(server.server_port)
server.serve_forever()
")py";

class Ports : public ServerTest {
 protected:
  // The port its program listens on.
  std::string serve(const SandboxHandle& sandbox) {
    program_ = std::make_unique<EventStream>(sandbox, "process.Process/Start", shell(kProgram));
    if (program_->pid() == 0) return "";
    const auto event = program_->next();
    const std::string line = event ? base64_decode((*event)["event"]["data"]["stdout"].as_string()).value_or("") : "";
    return line.substr(0, line.find('\n'));
  }
  HttpAnswer at(const SandboxHandle& sandbox, const std::string& port, const std::string& method,
                const std::string& target, const Pairs& more = {}, std::string_view body = {}) {
    Pairs headers{{"host", port + "-" + sandbox.id + ".e2b.example"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return HttpClient(server_->url()).request(method, target, headers, body);
  }
  std::unique_ptr<EventStream> program_;
};

TEST_F(Ports, AreReachedByHostNameAndByHeaders) {
  start_server();
  const SandboxHandle sandbox = create();
  const std::string port = serve(sandbox);
  ASSERT_FALSE(port.empty());
  const HttpAnswer answer = at(sandbox, port, "GET", "/any?x=1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "one two");
  EXPECT_TRUE(answer.is_complete);
  EXPECT_EQ(answer.header("x-host"), port + "-" + sandbox.id + ".e2b.example");
  EXPECT_EQ(at(sandbox, port, "POST", "/", {}, std::string(300'000, 'z')).body, std::string(300'000, 'z'));
  EXPECT_EQ(at(sandbox, port, "GET", "/none").status, 404);
  const Pairs headers{{"e2b-sandbox-id", sandbox.id}, {"e2b-sandbox-port", port}};
  EXPECT_EQ(HttpClient(server_->url()).request("GET", "/", headers).body, "one two");
  EXPECT_EQ(server_->count("GET :" + port + "/any"), 1);
}

TEST_F(Ports, NobodyListeningIsA502WithThePort) {
  start_server({"--isolation", "auto"});
  const SandboxHandle sandbox = create(parsed(R"({"templateID":"base","allow_internet_access":false})"));
  const HttpAnswer answer = at(sandbox, "8080", "GET", "/");
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.json()["port"].as_int(), 8080);
  EXPECT_FALSE(at({server_->url(), "inothing", ""}, "8080", "GET", "/").json().contains("port"))
      << "a dead sandbox is the other 502";
}

TEST_F(Ports, OfAPrivateSandboxWantTheTrafficToken) {
  start_server();
  const Json made =
      api("POST", "/v2/sandboxes",
          parsed(R"({"templateID":"base","network":{"allowPublicTraffic":false,"maskRequestHost":"inner:${PORT}"}})"))
          .json();
  const SandboxHandle sandbox{server_->url(), made["sandboxID"].as_string(), made["envdAccessToken"].as_string()};
  const std::string token = made["trafficAccessToken"].as_string(), port = serve(sandbox);
  ASSERT_EQ(token.size(), 64u);
  EXPECT_EQ(at(sandbox, port, "GET", "/").status, 403);
  EXPECT_EQ(at(sandbox, port, "GET", "/", {{"e2b-traffic-access-token", sandbox.token}}).status, 403);
  EXPECT_EQ(at(sandbox, port, "GET", "/", {{"e2b-traffic-access-token", token}}).header("x-host"), "inner:" + port);
  EXPECT_EQ(api("POST", "/sandboxes", parsed(R"({"templateID":"base","network":{"allowPublicTraffic":false}})")).status,
            400)
      << "needs a secured one";
}

TEST_F(Ports, WhatIsNoHttpIsA502) {
  start_server();
  const SandboxHandle sandbox = create();
  program_ = std::make_unique<EventStream>(
      sandbox, "process.Process/Start",
      shell("python3 -u -c \"import "
            "socket;s=socket.socket();s.bind(('127.0.0.1',0));s.listen();print(s.getsockname()[1]);c=s.accept()[0];c."
            "recv(9999);c.sendall(b'SSH-2.0\\r\\n\\r\\n')\""));
  ASSERT_GT(program_->pid(), 0);
  const auto event = program_->next();
  ASSERT_TRUE(event);
  const std::string line = *base64_decode((*event)["event"]["data"]["stdout"].as_string());
  EXPECT_EQ(at(sandbox, line.substr(0, line.find('\n')), "GET", "/").status, 502);
}

}  // namespace
}  // namespace osiris::e2b_server
