// Answers that break off outside their body, byte for byte as they leave the server, and the fault that somebody else
// commits.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "servers/e2b/fault_plan.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

struct RawAnswer {
  std::string bytes;
  bool was_reset = false;
};

class Cuts : public ServerTest {
 protected:
  void SetUp() override { start_server(); }

  void plan(const std::string& route, const std::string& action) {
    const Status set =
        server_->set_faults(parsed(("[{\"route\":\"" + route + "\",\"nth\":1,\"action\":" + action + "}]").c_str()));
    ASSERT_TRUE(set.ok()) << set.error().message;
  }

  // Everything that comes until the connection ends.
  RawAnswer ask(const std::string& request_line, const std::string& headers = "", const std::string& body = "") const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(std::atoi(server_->url().c_str() + server_->url().rfind(':') + 1));
    RawAnswer answer;
    const std::string text = request_line + " HTTP/1.1\r\nhost: x\r\nx-api-key: " + server_->api_key() +
                             "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body;
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    char block[4096];
    ssize_t count;
    while ((count = ::recv(fd, block, sizeof block, 0)) > 0) answer.bytes.append(block, static_cast<size_t>(count));
    answer.was_reset = count < 0 && errno == ECONNRESET;
    ::close(fd);
    return answer;
  }

  std::string last_fault() const { return server_->requests().items().back()["faults"].items()[0].as_string(); }
};

TEST_F(Cuts, TheHeadBreaksOffWhereThePlanSays) {
  for (const bool resets : {false, true}) {
    const std::string by = resets ? R"(,"by":"rst"})" : "}";
    plan("GET /v2/sandboxes", R"({"type":"cut","at":"status_line")" + by);
    RawAnswer answer = ask("GET /v2/sandboxes");
    EXPECT_EQ(answer.bytes, "HTTP/1.1");
    EXPECT_EQ(answer.was_reset, resets);
    EXPECT_EQ(last_fault(), std::string("cut status_line ") + (resets ? "rst" : "fin"));

    plan("GET /v2/sandboxes", R"({"type":"cut","at":"headers")" + by);
    answer = ask("GET /v2/sandboxes");
    EXPECT_EQ(answer.bytes, "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(answer.was_reset, resets);

    plan("GET /v2/sandboxes", R"({"type":"cut","at":"header")" + by);
    answer = ask("GET /v2/sandboxes");
    EXPECT_TRUE(answer.bytes.starts_with("HTTP/1.1 200 OK\r\n")) << answer.bytes;
    EXPECT_EQ(answer.bytes.size(), 20u);
    EXPECT_EQ(answer.was_reset, resets);
  }
}

TEST_F(Cuts, TheRequestWasHandled) {
  plan("POST /v2/sandboxes", R"({"type":"cut","at":"headers"})");
  EXPECT_EQ(ask("POST /v2/sandboxes", "content-type: application/json\r\n", R"({"templateID":"base"})").bytes,
            "HTTP/1.1 201 Created\r\n");
  EXPECT_EQ(server_->stats()["live"].as_int(), 1);
}

TEST_F(Cuts, AnAnswerWithoutABodyHasAHeadToo) {
  const SandboxHandle sandbox = create();
  plan("DELETE /sandboxes/{id}", R"({"type":"cut","at":"headers"})");
  EXPECT_EQ(ask("DELETE /sandboxes/" + sandbox.id).bytes, "HTTP/1.1 204 No Content\r\n");
}

TEST_F(Cuts, ABodyWithoutChunksIsGivenChunksToCut) {
  plan("GET /v2/sandboxes", R"({"type":"cut","at":"chunk_size"})");
  RawAnswer answer = ask("GET /v2/sandboxes");
  EXPECT_TRUE(answer.bytes.ends_with("transfer-encoding: chunked\r\n\r\n2")) << answer.bytes;
  EXPECT_FALSE(answer.was_reset);

  plan("GET /v2/sandboxes", R"({"type":"cut","at":"trailer","by":"rst"})");
  answer = ask("GET /v2/sandboxes");
  EXPECT_TRUE(answer.bytes.ends_with("\r\n\r\n2\r\n[]\r\n0\r\nx-trail")) << answer.bytes;
  EXPECT_TRUE(answer.was_reset);
}

TEST_F(Cuts, AStreamBreaksOffInsideTheSizeOfALaterChunk) {
  const SandboxHandle sandbox = create();
  plan("process.Process/Start", R"({"type":"cut","at":"chunk_size","after_events":1})");
  EventStream stream(sandbox, "process.Process/Start", shell("echo one; sleep 60"));
  EXPECT_GT(stream.pid(), 0);
  EXPECT_FALSE(stream.finish().end);
  EXPECT_FALSE(stream.head().is_complete);
  EXPECT_EQ(envd(sandbox, "GET", "/health").status, 204);
}

TEST_F(Cuts, TheNextCallIsAnsweredWhole) {
  plan("GET /v2/sandboxes", R"({"type":"cut","at":"header"})");
  ask("GET /v2/sandboxes");
  EXPECT_EQ(api("GET", "/v2/sandboxes").body, "[]");
}

TEST_F(Cuts, APlaceOrACloseThatThereIsNotIsRefused) {
  const auto refusal = [](const char* action) {
    const auto faults = parse_faults(Json::array({Json::object({{"route", "*"}, {"action", parsed(action)}})}));
    return faults.ok() ? "accepted" : faults.error().message;
  };
  EXPECT_EQ(refusal(R"({"type":"cut","at":"trailer","by":"rst"})"), "accepted");
  EXPECT_EQ(refusal(R"({"type":"cut","at":"chunk_size","after_events":2})"), "accepted");
  EXPECT_NE(refusal(R"({"type":"cut","at":"body"})").find("'body'"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"cut","by":"axe"})").find("'axe'"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"cut","at":"header","after_events":2})").find("events"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"cut","when":"after"})").find("'when'"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"reset","at":"header"})").find("'at'"), std::string::npos);
  EXPECT_NE(refusal(R"({"type":"tell"})").find("port"), std::string::npos);
}

TEST_F(Cuts, WhoeverIsToldActsBeforeTheAnswerLeaves) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  plan("GET /v2/sandboxes", R"({"type":"tell","port":)" + std::to_string(ntohs(address.sin_port)) + "}");
  std::string told;
  std::atomic<bool> acted{false}, answered{false};
  std::thread other([&] {
    const int fd = ::accept(listener, nullptr, nullptr);
    char block[1000];
    const ssize_t count = ::recv(fd, block, sizeof block, 0);
    if (count > 0) told.assign(block, static_cast<size_t>(count));
    EXPECT_FALSE(answered);
    acted = true;
    ::close(fd);
  });
  const HttpAnswer answer = api("GET", "/v2/sandboxes", {}, {{"x-forwarded-for", "127.0.0.9"}});
  answered = true;
  EXPECT_TRUE(acted);
  other.join();
  ::close(listener);
  EXPECT_EQ(answer.status, 200);
  const Json who = parsed(told.c_str());
  EXPECT_EQ(who["route"].as_string(), "GET /v2/sandboxes");
  EXPECT_EQ(who["forwarded_for"].as_string(), "127.0.0.9");
}

}  // namespace
}  // namespace osiris::e2b_server
