// envd's files and file system, beyond what the official clients exercise.
#include "protocol/base/text.h"
#include "servers/e2b/gunzip.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class FilesApi : public ServerTest {
 protected:
  void SetUp() override {
    start_server();
    sandbox_ = create();
  }
  HttpAnswer put(const std::string& path, std::string_view bytes, const Pairs& more = {}) {
    Pairs headers{{"content-type", "application/octet-stream"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return envd(sandbox_, "POST", "/files?path=" + path, headers, bytes);
  }
  SandboxHandle sandbox_;
};

TEST_F(FilesApi, RangesMakeResumableDownloads) {
  put("f", "0123456789");
  const HttpAnswer part = envd(sandbox_, "GET", "/files?path=f", {{"range", "bytes=3-5"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "345");
  EXPECT_EQ(part.header("content-range"), "bytes 3-5/10");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=f", {{"range", "bytes=10-"}}).status, 416);
}

TEST_F(FilesApi, ConditionalAndHeadRequests) {
  put("f", "0123456789");
  const HttpAnswer head = envd(sandbox_, "HEAD", "/files?path=f");
  EXPECT_EQ(head.header("content-length"), "10");
  const std::string modified = head.header("last-modified");
  constexpr const char* kLongAgo = "Sun, 06 Nov 1994 08:49:37 GMT";
  const auto get = [&](const Pairs& headers) { return envd(sandbox_, "GET", "/files?path=f", headers); };
  const HttpAnswer unchanged = get({{"if-modified-since", modified}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.header("content-length"), "") << "it would be that of the file";
  EXPECT_EQ(get({{"if-modified-since", "Sun, 06 Nov 2094 08:49:37 GMT"}}).status, 304);
  EXPECT_EQ(get({{"if-modified-since", kLongAgo}}).status, 200);
  EXPECT_EQ(get({{"if-modified-since", "yesterday"}}).status, 200);
  EXPECT_EQ(get({{"if-unmodified-since", kLongAgo}}).status, 412);
  EXPECT_EQ(get({{"if-unmodified-since", modified}}).status, 200);
  EXPECT_EQ(get({{"range", "bytes=1-2"}, {"if-range", modified}}).status, 206);
  EXPECT_EQ(get({{"range", "bytes=1-2"}, {"if-range", kLongAgo}}).body, "0123456789")
      << "it has changed since: all of it";
}

TEST_F(FilesApi, ARefusalOfAHeadRequestHasNoBody) {
  HttpClient client(server_->url());
  EXPECT_EQ(client.request("HEAD", "/files?path=nothing", sandbox_.headers()).status, 404);
  EXPECT_EQ(client.request("GET", "/health", sandbox_.headers()).status, 204) << "on the same connection";
}

TEST_F(FilesApi, WhatCannotBeReadIsNamedForWhatItIs) {
  put("f", "0123456789");
  const auto get = [&](const std::string& path) { return envd(sandbox_, "GET", "/files?path=" + path); };
  EXPECT_EQ(get("nothing").status, 404);
  EXPECT_EQ(get("f/below").status, 404) << "below a file there is nothing";
  EXPECT_EQ(get("/").status, 400);
  EXPECT_NE(get("/").body.find("is a directory"), std::string::npos);
  EXPECT_EQ(get("/dev/null").status, 400);
  EXPECT_NE(get("/dev/null").body.find("not a regular file"), std::string::npos);
}

TEST_F(FilesApi, AFileNameCannotSplitAnAnswer) {
  put("plain.csv", "x");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=plain.csv").header("content-disposition"),
            "inline; filename=\"plain.csv\"");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=plain.csv").header("content-type"), "text/csv; charset=utf-8");
  put("a%0D%0Ax-evil:%201%22", "y");
  const HttpAnswer answer = envd(sandbox_, "GET", "/files?path=a%0D%0Ax-evil:%201%22");
  EXPECT_EQ(answer.body, "y");
  EXPECT_EQ(answer.header("x-evil"), "");
  EXPECT_EQ(answer.header("content-disposition"), "inline; filename*=utf-8''a%0D%0Ax-evil%3A%201%22");
}

TEST_F(FilesApi, AFullDiskIs507) {
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  EXPECT_EQ(put("/dev/full", "x").status, 507);
  EXPECT_EQ(put("/dev/null", "x").status, 200);
}

TEST_F(FilesApi, NothingAcceptableIs406) {
  put("f", "x");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=f", {{"accept-encoding", "br, identity;q=0"}}).status, 406);
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=f", {{"accept-encoding", "br"}}).status, 200);
}

TEST_F(FilesApi, PermissionsReadAsGoWritesThem) {
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  run(sandbox_, "touch set; chmod 4750 set; mkfifo pipe; ln -s set link");
  const auto permissions = [&](const char* path) {
    return rpc(sandbox_, "filesystem.Filesystem/Stat", Json::object({{"path", path}}))
        .json()["entry"]["permissions"]
        .as_string();
  };
  EXPECT_EQ(permissions("/tmp"), "dtrwxrwxrwx");
  EXPECT_EQ(permissions("/home/user"), "drwxr-xr-x");
  EXPECT_EQ(permissions("set"), "urwxr-x---");
  EXPECT_EQ(permissions("pipe"), "prw-r--r--");
  EXPECT_EQ(permissions("link"), "Lrwxrwxrwx");
  EXPECT_EQ(permissions("/dev/null"), "Dcrw-rw-rw-");
}

TEST_F(FilesApi, GzipBothWays) {
  std::string packed, plain(100'000, 'z');
  Gzip().feed(plain, true, packed);
  EXPECT_EQ(put("f", packed, {{"content-encoding", "gzip"}}).status, 200);
  EXPECT_EQ(read(sandbox_, "f"), plain);
  const HttpAnswer zipped = envd(sandbox_, "GET", "/files?path=f", {{"accept-encoding", "gzip"}});
  EXPECT_EQ(zipped.header("content-encoding"), "gzip");
  std::string unpacked;
  Gunzip gunzip;
  ASSERT_TRUE(gunzip.feed(zipped.body, unpacked).ok());
  EXPECT_EQ(unpacked, plain);
  EXPECT_EQ(put("g", "not gzip", {{"content-encoding", "gzip"}}).status, 400);
}

TEST_F(FilesApi, SeveralPartsMakeSeveralFilesAndDuplicatesNone) {
  const auto part = [](const char* name) {
    return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + std::string(name) + "\"\r\n\r\nin " +
           name + "\r\n";
  };
  const Pairs type{{"content-type", "multipart/form-data; boundary=b"}};
  const HttpAnswer answer = envd(sandbox_, "POST", "/files", type, part("one") + part("deep/two") + "--b--\r\n");
  EXPECT_EQ(
      answer.json().dump(),
      R"([{"path":"/home/user/one","name":"one","type":"file"},{"path":"/home/user/deep/two","name":"two","type":"file"}])");
  EXPECT_EQ(read(sandbox_, "deep/two"), "in deep/two");
  EXPECT_EQ(envd(sandbox_, "POST", "/files", type, part("x") + part("x") + "--b--\r\n").status, 400);
  EXPECT_EQ(envd(sandbox_, "POST", "/files", type, part("y") + part("/home/user/./y") + "--b--\r\n").status, 400)
      << "two spellings of one file";
  EXPECT_EQ(envd(sandbox_, "POST", "/files", type, "--b--\r\n").status, 400);
  EXPECT_EQ(envd(sandbox_, "POST", "/files", type, part("torn")).status, 400);
  EXPECT_EQ(envd(sandbox_, "POST", "/files?path=x", {{"content-type", "text/plain"}}, "x").status, 400);
  EXPECT_EQ(envd(sandbox_, "POST", "/files", {{"content-type", "application/octet-stream"}}, "x").status, 400);
}

TEST_F(FilesApi, ComposeJoinsPartsAtomicallyAndRemovesThem) {
  put("p1", "one");
  put("p2", "two");
  const auto compose = [&](const char* body) {
    return envd(sandbox_, "POST", "/files/compose", {{"content-type", "application/json"}}, body);
  };
  const HttpAnswer joined = compose(R"({"source_paths":["p1","p2"],"destination":"whole/all"})");
  EXPECT_EQ(joined.json()["path"].as_string(), "/home/user/whole/all");
  EXPECT_EQ(read(sandbox_, "whole/all"), "onetwo");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=p1").status, 404);
  EXPECT_EQ(compose(R"({"source_paths":["p1"],"destination":"x"})").status, 404);
  EXPECT_EQ(compose(R"({"source_paths":[],"destination":"x"})").status, 400);
  EXPECT_EQ(compose(R"({"source_paths":["whole/all"],"destination":"whole/all"})").status, 400);
  EXPECT_EQ(compose(R"({"source_paths":["whole"],"destination":"x"})").status, 400);
}

TEST_F(FilesApi, AnExistingFileKeepsItsModeAndAWriteTruncates) {
  put("f", "long content");
  run(sandbox_, "chmod 750 f");
  put("f", "short");
  EXPECT_EQ(run(sandbox_, "stat -c '%a %U' f; cat f").out, "750 user\nshort");
}

TEST_F(FilesApi, MovesRemovesAndMakesDirectories) {
  put("a", "1");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/Move", *parse_json(R"({"source":"a","destination":"new/b"})"))
                .json()["entry"]["path"]
                .as_string(),
            "/home/user/new/b");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/Move", *parse_json(R"({"source":"a","destination":"c"})")).status,
            404);
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/MakeDir", *parse_json(R"({"path":"new"})")).json()["code"].as_string(),
            "already_exists");
  EXPECT_EQ(
      rpc(sandbox_, "filesystem.Filesystem/MakeDir", *parse_json(R"({"path":"new/b"})")).json()["code"].as_string(),
      "invalid_argument");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/Remove", *parse_json(R"({"path":"new"})")).body, "{}");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/Remove", *parse_json(R"({"path":"new"})")).body, "{}");
}

TEST_F(FilesApi, AWatcherCanBePolled) {
  const std::string id = rpc(sandbox_, "filesystem.Filesystem/CreateWatcher", *parse_json(R"({"path":"."})"))
                             .json()["watcherId"]
                             .as_string();
  EXPECT_EQ(id.size(), 21u);
  put("seen", "x");
  const Json which = Json::object({{"watcherId", id}});
  std::string types;
  EXPECT_TRUE(eventually([&] {
    const Json answer = rpc(sandbox_, "filesystem.Filesystem/GetWatcherEvents", which).json();
    for (const Json& event : answer["events"].items()) types += event["type"].as_string() + " ";
    return types.find("CHMOD") != std::string::npos;
  }));
  EXPECT_EQ(types, "EVENT_TYPE_CREATE EVENT_TYPE_WRITE EVENT_TYPE_CHMOD ");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/RemoveWatcher", which).body, "{}");
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/GetWatcherEvents", which).status, 404);
  EXPECT_EQ(rpc(sandbox_, "filesystem.Filesystem/CreateWatcher", *parse_json(R"({"path":"nowhere"})")).status, 404);
}

TEST_F(FilesApi, AWatchEndsWithItsClient) {
  EventStream watch(sandbox_, "filesystem.Filesystem/WatchDir", parsed(R"({"path":"."})"));
  ASSERT_TRUE(watch.next());
  watch.disconnect();
  EXPECT_TRUE(eventually([&] { return server_->count("POST /filesystem.Filesystem/WatchDir") == 1; }));
}

TEST_F(FilesApi, WhatIsStoredWithAFileIsReplacedByTheNextUpload) {
  const auto stored = [&] {
    return rpc(sandbox_, "filesystem.Filesystem/Stat", parsed(R"({"path":"f"})")).json()["entry"]["metadata"].dump();
  };
  EXPECT_EQ(put("f", "1", {{"x-metadata-author", "me"}, {"x-metadata-kind", "old"}})
                .json()
                .items()
                .front()["metadata"]
                .dump(),
            R"({"author":"me","kind":"old"})");
  EXPECT_EQ(put("f", "2", {{"x-metadata-kind", "new"}}).status, 200);
  EXPECT_EQ(stored(), R"({"kind":"new"})") << "a key that the upload does not name is gone";
  const Json plain = put("f", "3").json();
  EXPECT_FALSE(plain.items().front().contains("metadata"));
  EXPECT_EQ(stored(), "null");
}

TEST_F(FilesApi, MetadataThatCannotBeStoredIsRefusedBeforeTheFileIsTouched) {
  put("f", "before");
  const auto message = [&](const Pairs& headers) {
    const HttpAnswer answer = put("f", "after", headers);
    EXPECT_EQ(answer.status, 400);
    return answer.json()["message"].as_string();
  };
  EXPECT_NE(message({{"x-metadata-large", std::string(4100, 'x')}}).find("exceeds 4096 bytes"), std::string::npos);
  EXPECT_NE(message({{"x-metadata-" + std::string(247, 'k'), "x"}}).find("exceeds 246 bytes"), std::string::npos);
  EXPECT_NE(message({{"x-metadata-author", "\xc3\xbc"}}).find("non-printable-ASCII"), std::string::npos);
  EXPECT_EQ(read(sandbox_, "f"), "before");
}

TEST_F(FilesApi, AFileWithoutASizeIsReadToItsEnd) {
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const std::string expected = run(sandbox_, "cat /proc/version").out;
  ASSERT_FALSE(expected.empty());
  const HttpAnswer whole = envd(sandbox_, "GET", "/files?path=/proc/version");
  EXPECT_EQ(whole.body, expected);
  EXPECT_EQ(whole.header("content-length"), std::to_string(expected.size()));
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=/proc/version", {{"range", "bytes=2-4"}}).body, expected.substr(2, 3));
  EXPECT_EQ(envd(sandbox_, "HEAD", "/files?path=/proc/version").header("content-length"),
            std::to_string(expected.size()));
  const HttpAnswer zipped = envd(sandbox_, "GET", "/files?path=/proc/version", {{"accept-encoding", "gzip"}});
  std::string unpacked;
  Gunzip gunzip;
  ASSERT_TRUE(gunzip.feed(zipped.body, unpacked).ok());
  EXPECT_EQ(unpacked, expected);
  put("empty", "");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=empty").header("content-length"), "0");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=/proc/self/mem").status, 500) << "it cannot be read from its beginning";
}

TEST_F(FilesApi, AUserWhomNobodyKnowsIsRefusedInEnvdsWords) {
  const char* const looked_up = "error looking up user 'ghost': user: unknown user ghost";
  const HttpAnswer read_answer = envd(sandbox_, "GET", "/files?path=f&username=ghost");
  EXPECT_EQ(read_answer.status, 401);
  EXPECT_EQ(read_answer.json()["message"].as_string(), looked_up);
  const HttpAnswer written =
      envd(sandbox_, "POST", "/files?path=f&username=ghost", {{"content-type", "application/octet-stream"}}, "x");
  EXPECT_EQ(written.status, 401);
  EXPECT_EQ(written.json()["message"].as_string(), looked_up);
  const HttpAnswer composed = envd(sandbox_, "POST", "/files/compose", {{"content-type", "application/json"}},
                                   R"({"source_paths":["f"],"destination":"g","username":"ghost"})");
  EXPECT_EQ(composed.status, 401);
  EXPECT_EQ(composed.json()["message"].as_string(), looked_up);
  const Pairs as_ghost{{"content-type", "application/json"}, {"authorization", "Basic " + base64("ghost:")}};
  for (const char* method : {"filesystem.Filesystem/Stat", "filesystem.Filesystem/CreateWatcher",
                             "process.Process/List", "process.Process/SendSignal"}) {
    const HttpAnswer answer = envd(sandbox_, "POST", "/" + std::string(method), as_ghost, R"({"path":"."})");
    EXPECT_EQ(answer.status, 401) << method;
    EXPECT_EQ(answer.json().dump(), R"({"code":"unauthenticated","message":"invalid username: 'ghost'"})") << method;
  }
}

TEST_F(FilesApi, TheServerFollowsNoLinkOutOfTheSandbox) {
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  run(sandbox_, "ln -s " + server_->data().string() + " out; ln -s /etc/hostname inside");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=out/sandboxes").status, 404);
  EXPECT_EQ(read(sandbox_, "inside"), "e2b.local\n");
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=/../../../../etc/hostname").body, "e2b.local\n");
}

}  // namespace
}  // namespace osiris::e2b_server
