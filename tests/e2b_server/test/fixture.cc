#include "tests/e2b_server/test/fixture.h"

#include "protocol/base/file.h"

namespace osiris::e2b_server {

void ServerTest::start_server(const std::vector<std::string>& arguments) {
  auto started = ServerProcess::start(arguments);
  ASSERT_TRUE(started.ok()) << started.error().message;
  server_ = std::make_unique<ServerProcess>(*std::move(started));
}

// Whatever a test did, the server ends well and leaves no file behind.
void ServerTest::TearDown() {
  if (!server_) return;
  EXPECT_EQ(server_->stop(), 0);
  for (const char* own : {"sandboxes", "templates", "uploads"})
    EXPECT_FALSE(std::filesystem::exists(server_->data() / own)) << own;
}

HttpAnswer ServerTest::api(const std::string& method, const std::string& path, const Json& body, const Pairs& more) {
  HttpClient client(server_->url());
  Pairs headers{{"x-api-key", server_->api_key()}, {"content-type", "application/json"}};
  headers.insert(headers.end(), more.begin(), more.end());
  return client.request(method, path, headers, body.is_null() ? "" : body.dump());
}

SandboxHandle ServerTest::create(const Json& body) {
  const HttpAnswer answer = api("POST", "/v2/sandboxes", body);
  EXPECT_EQ(answer.status, 201) << answer.body;
  const Json json = answer.json();
  return {server_->url(), json["sandboxID"].as_string(), json["envdAccessToken"].as_string()};
}

HttpAnswer ServerTest::envd(const SandboxHandle& sandbox, const std::string& method, const std::string& target,
                            const Pairs& headers, std::string_view body) {
  HttpClient client(sandbox.url);
  return client.request(method, target, sandbox.headers(headers), body);
}

HttpAnswer ServerTest::rpc(const SandboxHandle& sandbox, const std::string& method, const Json& message) {
  return envd(sandbox, "POST", "/" + method, {{"content-type", "application/json"}}, message.dump());
}

Json ServerTest::shell(const std::string& command, bool with_stdin) {
  const Json process = Json::object({{"cmd", "/bin/bash"}, {"args", Json::array({"-c", command})}});
  return Json::object({{"process", process}, {"stdin", with_stdin}});
}

EventStream::Outcome ServerTest::run(const SandboxHandle& sandbox, const std::string& command, const Pairs& headers) {
  return EventStream(sandbox, "process.Process/Start", shell(command), headers).finish();
}

std::string ServerTest::read(const SandboxHandle& sandbox, const std::string& path) {
  const HttpAnswer answer = envd(sandbox, "GET", "/files?path=" + path);
  return answer.status == 200 ? answer.body : "";
}

int count_processes(const std::string& name, const std::string& mark) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto line = read_file(entry.path() / "cmdline", 1 << 16);
    count += line.ok() && line->starts_with(name) && line->find(mark) != std::string::npos;
  }
  return count;
}

}  // namespace osiris::e2b_server
