// Template builds beyond what the official clients do: who may upload, and what an archive can do to the machine.
#include "servers/e2b/gunzip.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

// One ustar member; a link when `target` is not empty.
std::string member(const std::string& name, const std::string& content, const std::string& target = {}) {
  std::string head(512, '\0');
  const auto put = [&](size_t at, const std::string& text) { head.replace(at, text.size(), text); };
  char size[13];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, size);
  put(136, "00000000000");
  put(148, "        ");
  head[156] = target.empty() ? '0' : '2';
  put(157, target);
  put(257, "ustar");
  put(263, "00");
  unsigned sum = 0;
  for (const char c : head) sum += static_cast<unsigned char>(c);
  char check[8];
  std::snprintf(check, sizeof check, "%06o", sum);
  put(148, std::string(check, 7));
  std::string padded = content;
  padded.resize((content.size() + 511) / 512 * 512, '\0');
  return head + padded;
}

class Templates : public ServerTest {
 protected:
  void SetUp() override { start_server(); }

  struct Requested {
    std::string id, build;
  };
  Requested request(const std::string& name) {
    const Json made = api("POST", "/v3/templates", Json::object({{"name", name}})).json();
    return {made["templateID"].as_string(), made["buildID"].as_string()};
  }
  std::string link(const Requested& requested) {
    const std::string url =
        api("GET", "/templates/" + requested.id + "/files/" + std::string(64, 'a')).json()["url"].as_string();
    return url.substr(server_->url().size());
  }
  HttpAnswer put(const std::string& target, std::string_view body, const Pairs& headers = {}) {
    return HttpClient(server_->url()).request("PUT", target, headers, body);
  }
  std::string build(const Requested& requested, const std::string& tar) {
    std::string packed;
    Gzip().feed(tar + std::string(1024, '\0'), true, packed);
    EXPECT_EQ(put(link(requested), packed).status, 200);
    const Json step = Json::object(
        {{"type", "COPY"}, {"args", Json::array({".", "/opt/copied/", "", ""})}, {"filesHash", std::string(64, 'a')}});
    const Json body = Json::object({{"fromTemplate", "base"}, {"steps", Json::array({step})}});
    EXPECT_EQ(api("POST", "/v2/templates/" + requested.id + "/builds/" + requested.build, body).status, 202);
    std::string status;
    EXPECT_TRUE(eventually([&] {
      status = api("GET", "/templates/" + requested.id + "/builds/" + requested.build + "/status")
                   .json()["status"]
                   .as_string();
      return status == "ready" || status == "error";
    }));
    return status;
  }
};

TEST_F(Templates, OnlyASignedAddressTakesFiles) {
  const Requested requested = request("files");
  const std::string target = link(requested);
  EXPECT_EQ(put(target.substr(0, target.find('?')), "x").status, 403);
  EXPECT_EQ(put(target + "0", "x").status, 403);
  EXPECT_EQ(put(target, "", {{"transfer-encoding", "chunked"}}).status, 501) << "as object stores do";
  EXPECT_EQ(api("GET", "/templates/" + requested.id + "/files/short").status, 400);
  EXPECT_FALSE(api("GET", "/templates/" + requested.id + "/files/" + std::string(64, 'a')).json()["present"].as_bool());
  EXPECT_EQ(put(target, "x").status, 200);
  EXPECT_TRUE(api("GET", "/templates/" + requested.id + "/files/" + std::string(64, 'a')).json()["present"].as_bool());
  server_->jump_clock(31 * 60 * 1000);
  EXPECT_EQ(put(target, "y").status, 403) << "half an hour is over";
}

TEST_F(Templates, AnArchiveReachesNothingOutsideItsSandbox) {
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const std::string outside = (server_->data() / "outside").string();
  const std::string up = "../../../../../../../../../../..";
  build(request("hostile"), member("fine", "fine") + member(up + outside, "climbed") + member(outside, "absolute") +
                                member("door", "", server_->data().string()) +
                                member("door/outside", "through the link"));
  EXPECT_FALSE(std::filesystem::exists(outside));
  const std::string honest = build(request("honest"), member("fine", "fine\n") + member("link", "", "fine"));
  EXPECT_EQ(honest, "ready");
  EXPECT_EQ(read(create(parsed(R"({"templateID":"honest"})")), "/opt/copied/link"), "fine\n");
}

TEST_F(Templates, ABuildThatIsNoArchiveFails) {
  const Requested requested = request("noise");
  EXPECT_EQ(put(link(requested), "no gzip at all").status, 200);
  const Json step = Json::object(
      {{"type", "COPY"}, {"args", Json::array({".", "/opt/", "", ""})}, {"filesHash", std::string(64, 'a')}});
  const std::string path = "/templates/" + requested.id + "/builds/" + requested.build;
  ASSERT_EQ(api("POST", "/v2" + path, Json::object({{"fromTemplate", "base"}, {"steps", Json::array({step})}})).status,
            202);
  Json status;
  ASSERT_TRUE(
      eventually([&] { return (status = api("GET", path + "/status").json())["status"].as_string() == "error"; }));
  EXPECT_EQ(status["reason"]["step"].as_string(), "1");
  EXPECT_GT(status["logEntries"].size(), api("GET", path + "/status?level=error").json()["logEntries"].size());
  EXPECT_EQ(api("POST", "/v2" + path, Json::object({{"fromTemplate", "base"}})).status, 400) << "no longer waiting";
}

TEST_F(Templates, AFailedStepSaysWhatFailedAndWhy) {
  const auto reason = [&](const std::string& name, const char* steps) {
    const Requested requested = request(name);
    const std::string path = "/templates/" + requested.id + "/builds/" + requested.build;
    EXPECT_EQ(api("POST", "/v2" + path, Json::object({{"fromTemplate", "base"}, {"steps", parsed(steps)}})).status,
              202);
    Json status;
    EXPECT_TRUE(
        eventually([&] { return (status = api("GET", path + "/status").json())["status"].as_string() == "error"; }));
    return status["reason"]["message"].as_string();
  };
  EXPECT_EQ(reason("exits", R"([{"type":"RUN","args":["exit 9"]}])"), "failed to run command 'exit 9': exit status 9");
  EXPECT_EQ(reason("dies", R"([{"type":"RUN","args":["kill -9 $$"]}])"),
            "failed to run command 'kill -9 $$': signal: killed");
  EXPECT_EQ(reason("nobody", R"([{"type":"RUN","args":["whoami","root123"]}])"),
            "failed to run command 'whoami': command failed: unauthenticated: invalid username: 'root123'");
  EXPECT_EQ(reason("nowhere", R"([{"type":"WORKDIR","args":["/proc/nowhere"]}])"),
            "failed to create workdir: exit status 1");
}

TEST_F(Templates, NamesTagsAndShapesAreChecked) {
  const auto status = [&](const char* body) { return api("POST", "/v3/templates", parsed(body)).status; };
  EXPECT_EQ(status(R"({"name":"good-name:v1.2"})"), 202);
  EXPECT_EQ(status(R"({"name":"bad name"})"), 400);
  EXPECT_EQ(status(R"({"name":"good","tags":["bad tag"]})"), 400);
  EXPECT_EQ(status(R"({"name":"base"})"), 403);
  EXPECT_EQ(status(R"({"name":"good","cpuCount":3})"), 400);
  EXPECT_EQ(status(R"({"name":"good","cpuCount":16})"), 400);
  EXPECT_EQ(status(R"({"name":"good","memoryMB":127})"), 400);
  EXPECT_EQ(status(R"({"name":"good","memoryMB":8194})"), 400);
  const Requested requested = request("steps");
  const std::string path = "/v2/templates/" + requested.id + "/builds/" + requested.build;
  EXPECT_EQ(api("POST", path, parsed(R"({"steps":[]})")).status, 400);
  EXPECT_EQ(api("POST", path, parsed(R"({"fromTemplate":"base","steps":[{"type":"FLY","args":[]}]})")).status, 400);
  EXPECT_EQ(api("POST", path, parsed(R"({"fromTemplate":"base","steps":[{"type":"ENV","args":["A"]}]})")).status, 400);
}

}  // namespace
}  // namespace osiris::e2b_server
