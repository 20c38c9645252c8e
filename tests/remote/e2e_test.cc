// Pipelines over files elsewhere, from `validate` to the rows: the real osiris and worker, and a server on loopback.
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"
#include "tests/remote/object_server.h"

namespace osiris::e2e {
namespace {

using osiris::test::ObjectFault;
using osiris::test::ObjectRequest;
using osiris::test::ObjectServer;
using osiris::test::ObjectServerOptions;

constexpr char kSecret[] = "c4nary/secret+key";

ObjectServerOptions signed_options() {
  ObjectServerOptions options;
  options.key_id = "AKIDEXAMPLE";
  options.secret = kSecret;
  return options;
}

class RemoteFiles : public testing::Test {
 protected:
  RemoteFiles() : store_(signed_options()) {
    project_.write(
        "osiris_connections.yaml",
        "version: 1\nconnections:\n  filesystem:\n    lake: {endpoint: '${LAKE}', access_key_id: AKIDEXAMPLE, "
        "secret_access_key: '${LAKE_SECRET}'}\n    open: {region: eu-central-1, anonymous: true}\n",
        0600);
    project_.set("LAKE", store_.url());
    project_.set("LAKE_SECRET", kSecret);
  }

  void write_pipeline(const std::string& component, const std::string& path, const std::string& connection) {
    project_.write("p.yaml", oml("p", {"  - id: read\n    component: filesystem." + component +
                                           "_extractor\n    mode: read\n    config: {path: \"" + path + "\"" +
                                           (connection.empty() ? "" : ", connection: \"" + connection + "\"") + "}\n",
                                       "  - id: sum\n    component: duckdb.processor\n    mode: transform\n    config: "
                                       "{query: \"SELECT sum(kwh) AS total FROM df_read\"}\n",
                                       "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n"
                                       "    config: {path: out.csv}\n"}));
  }
  void write_writer(const std::string& component, const std::string& config) {
    project_.write("in.csv", "id,kwh\n1,1.5\n2,2.25\n");
    project_.write("w.yaml", oml("w", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n"
                                       "    config: {path: in.csv}\n",
                                       "  - id: write\n    component: filesystem." + component +
                                           "_writer\n    mode: write\n    config: {" + config + "}\n"}));
  }
  std::string validate_writer(const std::string& component, const std::string& config) {
    write_writer(component, config);
    const Outcome outcome = project_.osiris({"validate", "w.yaml"});
    return outcome.exit == 0 ? "ok" : outcome.out + outcome.err;
  }
  std::string validate(const std::string& component, const std::string& path, const std::string& connection = "") {
    write_pipeline(component, path, connection);
    const Outcome outcome = project_.osiris({"validate", "p.yaml"});
    return outcome.exit == 0 ? "ok" : outcome.out + outcome.err;
  }

  Project project_;
  ObjectServer store_, plain_;
};

TEST_F(RemoteFiles, AreReadByEveryExtractor) {
  const std::string csv = "id,kwh\n1,1.5\n2,2.25\n";
  store_.put("lake/2025/a.csv", csv);
  store_.put("lake/2025/a.ndjson", "{\"kwh\":1.5}\n{\"kwh\":2.25}\n");
  plain_.put("files/a.csv", csv);
  project_.write("local.csv", csv);
  project_.write("make.yaml", oml("make", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n"
                                           "    config: {path: local.csv}\n",
                                           "  - id: write\n    component: filesystem.parquet_writer\n    mode: write\n"
                                           "    config: {path: made.parquet}\n"}));
  ASSERT_EQ(project_.osiris({"run", "make.yaml"}).exit, 0);
  store_.put("lake/2025/a.parquet", project_.read("made.parquet"));
  for (const auto& [component, path, connection] :
       {std::tuple("csv", std::string("s3://lake/2025/a.csv"), "@filesystem.lake"),
        {"csv", plain_.url("/files/a.csv"), ""},
        {"json", "s3://lake/2025/*.ndjson", "@filesystem.lake"},
        {"parquet", "s3://lake/2025/*.parquet", "@filesystem.lake"}}) {
    write_pipeline(component, path, connection);
    const Outcome outcome = project_.osiris({"run", "p.yaml"});
    ASSERT_EQ(outcome.exit, 0) << path << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("out.csv"), "total\n3.75\n") << path;
    std::string all = outcome.out + outcome.err;
    for (const auto& [file, content] : project_.tree()) all += file + content;
    for (const std::string& form : {std::string(kSecret), percent_encode(kSecret), base64(kSecret)})
      EXPECT_EQ(all.find(form), std::string::npos);
  }
}

TEST_F(RemoteFiles, ThatAreNotThereFailTheStep) {
  write_pipeline("parquet", "s3://lake/none.parquet", "@filesystem.lake");
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err.find("s3://lake/none.parquet: the server answered 404"), std::string::npos) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out.csv"));
}

// A stream that breaks is run again, stored; the error is the one that lasts.
TEST_F(RemoteFiles, ThatBreakInTheMiddleFailTheStepWithTheCause) {
  project_.write("one.csv", "id\n1\n");
  project_.write(
      "rows.yaml",
      oml("rows", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: "
                   "one.csv}\n",
                   "  - id: many\n    component: duckdb.processor\n    mode: transform\n    config: {query: "
                   "\"SELECT range AS id, hash(range) % 1000003 AS kwh FROM range(300000)\"}\n",
                   "  - id: write\n    component: filesystem.parquet_writer\n    mode: write\n"
                   "    config: {path: made.parquet}\n"}));
  ASSERT_EQ(project_.osiris({"run", "rows.yaml"}).exit, 0);
  store_.put("lake/a.parquet", project_.read("made.parquet"));
  write_pipeline("parquet", "s3://lake/a.parquet", "@filesystem.lake");
  store_.on_request([](const ObjectRequest& request, size_t number) -> std::optional<ObjectFault> {
    if (request.method != "GET" || number < 3) return std::nullopt;
    return ObjectFault{ObjectFault::Kind::kAnswer, 403,
                       "<Error><Code>ExpiredToken</Code><Message>too late</Message></Error>"};
  });
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("s3://lake/a.parquet: the server answered 403"), std::string::npos) << outcome.err;
}

TEST_F(RemoteFiles, AreValidatedWithoutANetwork) {
  EXPECT_EQ(validate("parquet", "s3://lake/a/*.parquet", "@filesystem.lake"), "ok");
  EXPECT_EQ(validate("csv", "https://files.example/a.csv"), "ok");
  EXPECT_NE(validate("csv", "s3://lake/a.csv").find("needs a connection"), std::string::npos);
  EXPECT_NE(validate("csv", "s3://lake", "@filesystem.lake").find("names no object"), std::string::npos);
  EXPECT_NE(validate("csv", "http://files.example/a.csv").find("any machine on the way can change"), std::string::npos);
  EXPECT_NE(validate("csv", "ftp://files.example/a.csv").find("files are not read from"), std::string::npos);
  EXPECT_NE(validate("csv", "https:///a.csv").find("has no host"), std::string::npos);
  EXPECT_TRUE(store_.requests().empty());
}

TEST_F(RemoteFiles, AreWrittenByEveryWriter) {
  for (const auto& [component, name] :
       {std::pair("csv", "a.csv.gz"), {"json", "a.ndjson"}, {"parquet", "month=1/a.parquet"}}) {
    const std::string path = std::string("s3://lake/out/") + name;
    write_writer(component, "path: \"" + path + "\", connection: \"@filesystem.lake\"");
    const Outcome written = project_.osiris({"run", "w.yaml"});
    ASSERT_EQ(written.exit, 0) << path << written.out << written.err;
    write_pipeline(component, path, "@filesystem.lake");
    const Outcome read = project_.osiris({"run", "p.yaml"});
    ASSERT_EQ(read.exit, 0) << path << read.out << read.err;
    EXPECT_EQ(project_.read("out.csv"), "total\n3.75\n") << path;
    std::string all = written.out + written.err;
    for (const auto& [file, content] : project_.tree()) all += file + content;
    EXPECT_EQ(all.find(kSecret), std::string::npos);
    EXPECT_NE(all.find("object_written"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "s3:"));
}

TEST_F(RemoteFiles, AreWrittenAsASetAndReadWithItsColumns) {
  write_writer("parquet", "path: \"s3://lake/set\", partition_by: [id], connection: \"@filesystem.lake\"");
  const Outcome written = project_.osiris({"run", "w.yaml"});
  ASSERT_EQ(written.exit, 0) << written.out << written.err;
  EXPECT_TRUE(store_.object("lake/set/id=1/data_0.parquet"));
  EXPECT_TRUE(store_.object("lake/set/id=2/data_0.parquet"));
  EXPECT_EQ(store_.unfinished_uploads(), 0u);
  write_pipeline("parquet", "s3://lake/set/id=*/*.parquet", "@filesystem.lake");
  const Outcome read = project_.osiris({"run", "p.yaml"});
  ASSERT_EQ(read.exit, 0) << read.out << read.err;
  EXPECT_EQ(project_.read("out.csv"), "total\n3.75\n");
}

TEST_F(RemoteFiles, ThatCannotBeWrittenFailTheStep) {
  store_.on_request([](const ObjectRequest&, size_t) {
    return ObjectFault{ObjectFault::Kind::kAnswer, 403,
                       "<Error><Code>AccessDenied</Code><Message>read only</Message></Error>"};
  });
  write_writer("csv", "path: \"s3://lake/a.csv\", connection: \"@filesystem.lake\"");
  const Outcome outcome = project_.osiris({"run", "w.yaml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("s3://lake/a.csv: the server answered 403: AccessDenied: read only"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(store_.object("lake/a.csv"), std::nullopt);
}

TEST_F(RemoteFiles, AreValidatedBeforeTheyAreWritten) {
  const std::string lake = ", connection: \"@filesystem.lake\"";
  EXPECT_EQ(validate_writer("csv", "path: \"s3://lake/a.csv\"" + lake), "ok");
  EXPECT_NE(validate_writer("csv", "path: \"s3://lake/a.csv\"").find("needs a connection"), std::string::npos);
  EXPECT_NE(validate_writer("csv", "path: \"https://h.example/a.csv\"").find("of addresses only s3:// is"),
            std::string::npos);
  EXPECT_NE(validate_writer("csv", "path: \"s3://lake/a/\"" + lake).find("names a directory"), std::string::npos);
  EXPECT_NE(validate_writer("json", "path: \"s3://lake/*.json\"" + lake).find("is a pattern"), std::string::npos);
  EXPECT_EQ(validate_writer("parquet", "path: \"s3://lake/a/\", partition_by: [id]" + lake), "ok");
  EXPECT_TRUE(store_.requests().empty());
}

// One object, two steps: an error; the same name at two services: a copy.
TEST_F(RemoteFiles, MeetInOneObjectOfOneConnection) {
  const auto copied = [&](const std::string& from, const std::string& to, const std::string& alias) {
    project_.write("c.yaml", oml("c", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n"
                                       "    config: {path: \"" +
                                           from + "\", connection: \"@filesystem.lake\"}\n",
                                       "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n"
                                       "    config: {path: \"" +
                                           to + "\", connection: \"@filesystem." + alias + "\"}\n"}));
    const Outcome outcome = project_.osiris({"validate", "c.yaml"});
    return outcome.exit == 0 ? "ok" : outcome.out + outcome.err;
  };
  EXPECT_NE(copied("s3://lake/a.csv", "s3://lake/a.csv", "lake").find("writes the file that step 'read' reads"),
            std::string::npos);
  EXPECT_EQ(copied("s3://lake/a.csv", "s3://lake/b.csv", "lake"), "ok");
  EXPECT_EQ(copied("s3://lake/a.csv", "s3://lake/a.csv", "open"), "ok");
}

TEST_F(RemoteFiles, ShowTheirHostsInADryRun) {
  for (const auto& [path, connection, host] :
       {std::tuple("s3://lake/a.parquet", "@filesystem.open", std::string("lake.s3.eu-central-1.amazonaws.com:443")),
        {"s3://lake.dots/a.parquet", "@filesystem.open", "s3.eu-central-1.amazonaws.com:443"},
        {"s3://lake/a.parquet", "@filesystem.lake", "127.0.0.1:" + std::to_string(store_.port())},
        {"https://files.example/a.parquet", "", "files.example:443"}}) {
    write_pipeline("parquet", path, connection);
    const Outcome outcome = project_.osiris({"run", "p.yaml", "--dry-run"});
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
    EXPECT_NE(outcome.out.find(host), std::string::npos) << host << outcome.out;
  }
  write_writer("csv", "path: \"s3://lake/a.csv\", connection: \"@filesystem.open\"");
  const Outcome outcome = project_.osiris({"run", "w.yaml", "--dry-run"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("lake.s3.eu-central-1.amazonaws.com:443"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace osiris::e2e
