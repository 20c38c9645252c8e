// Every component that speaks HTTP against every fault that a server can have: the real osiris and worker, and a server
// on loopback that answers each request with that fault and says the request's secrets back. Each run fails as a step
// does, with a category and the server's status, leaves nothing of its output or state, and no secret in any file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"
#include "tests/unit/http/scripted_server.h"
#include "tests/unit/http/tls_front.h"

namespace osiris::e2e {
namespace {

using http::Connection;
using http::ScriptedServer;

constexpr char kSecret[] = "c4nary/secret+key=", kOtherSecret[] = "c4nary/other+key=";

struct Fault {
  enum class Kind { kAnswer, kCutBody, kReset, kHang, kUntrusted };
  const char* name;
  Kind kind = Kind::kAnswer;
  int status = 200;
  std::set<std::string> categories;  // of the step's error
};

const std::vector<Fault>& faults() {
  using Kind = Fault::Kind;
  static const std::vector<Fault> all = {
      {"401", Kind::kAnswer, 401, {"connection.auth_failed"}},
      {"403", Kind::kAnswer, 403, {"extract.permission_denied", "write.permission_denied"}},
      {"404", Kind::kAnswer, 404, {"connection.not_found", "extract.no_data", "write.path_not_found"}},
      {"412", Kind::kAnswer, 412, {"extract.query_failed", "extract.no_data", "write.failed"}},
      {"429", Kind::kAnswer, 429, {"connection.failed"}},
      {"500", Kind::kAnswer, 500, {"connection.failed"}},
      {"503", Kind::kAnswer, 503, {"connection.failed"}},
      {"garbage", Kind::kAnswer, 200, {"extract.query_failed", "extract.schema_mismatch", "write.failed"}},
      {"cut body", Kind::kCutBody, 200, {"connection.failed"}},
      {"reset", Kind::kReset, 0, {"connection.failed"}},
      {"hang", Kind::kHang, 0, {"runtime.timeout"}}};
  return all;
}

// The values of the headers that may hold a secret.
std::string said_back(const std::string& head) {
  std::string text = "<html>you sent";
  for (const char* name : {"authorization", "apikey", "x-api-key", "x-amz-security-token"}) {
    const std::string lower = ascii_lower(head);
    const size_t at = lower.find("\r\n" + std::string(name) + ":");
    if (at == std::string::npos) continue;
    const size_t begin = at + 3 + std::string_view(name).size();
    text += " " + std::string(trim(std::string_view(head).substr(begin, head.find("\r\n", begin) - begin)));
  }
  return text + "</html>";
}

void serve(Connection& connection, const Fault& fault) {
  for (;;) {
    const auto received = connection.receive();
    if (received.head.empty()) return;
    if (fault.kind == Fault::Kind::kReset) return connection.reset();
    if (fault.kind == Fault::Kind::kHang) return connection.wait_for_peer();
    const std::string body = said_back(received.head);
    const bool is_cut = fault.kind == Fault::Kind::kCutBody;
    connection.send("HTTP/1.1 " + std::to_string(fault.status) + " X\r\nContent-Length: " +
                    std::to_string(body.size() + (is_cut ? 5000 : 0)) + "\r\nETag: \"v1\"\r\n\r\n");
    if (received.head.starts_with("HEAD ")) continue;
    connection.send(body);
    if (is_cut) return;
  }
}

struct Row {
  const char* name;
  const char* component;
  const char* config;  // the inside of a flow mapping; URL is the server's
  bool writes = false;
  // Faults that are none to it.
  std::set<std::string> harmless = {};
};

constexpr char kConnections[] =
    "version: 1\nconnections:\n"
    "  graphql:\n    garden: {auth_type: bearer, auth_token: '${SECRET}'}\n"
    "  posthog:\n    shop: {api_key: '${SECRET}', project_id: 42, custom_base_url: 'URL'}\n"
    "  supabase:\n    lake: {url: 'URL', service_role_key: '${SECRET}'}\n"
    "  filesystem:\n    lake: {endpoint: 'URL', access_key_id: AKIDEXAMPLE, secret_access_key: '${OTHER_SECRET}', "
    "session_token: '${SECRET}'}\n";

// What a text says in a CSV file is for no reader of CSV to judge.
const Row kRows[] = {
    {"Graphql", "graphql.extractor",
     "connection: '@graphql.garden', endpoint: 'URL/graphql', query: '{ plants { id } }', data_path: data.plants, "
     "max_retries: 1, retry_delay: 0.1"},
    {"Posthog", "posthog.extractor", "connection: '@posthog.shop', data_type: events"},
    {"SupabaseExtractor", "supabase.extractor", "connection: '@supabase.lake', table: plants, retries: 1"},
    {"SupabaseWriter", "supabase.writer",
     "connection: '@supabase.lake', table: plants, write_mode: upsert, primary_key: id, retries: 1", true},
    {"CsvByHttp", "filesystem.csv_extractor", "path: 'URL/a.csv'", false, {"garbage"}},
    {"JsonByHttp", "filesystem.json_extractor", "path: 'URL/a.json'"},
    {"ParquetByHttp", "filesystem.parquet_extractor", "path: 'URL/a.parquet'"},
    {"CsvByS3",
     "filesystem.csv_extractor",
     "connection: '@filesystem.lake', path: 's3://lake/a.csv'",
     false,
     {"garbage"}},
    {"JsonByS3Listing", "filesystem.json_extractor", "connection: '@filesystem.lake', path: 's3://lake/*.json'"},
    {"ParquetByS3", "filesystem.parquet_extractor", "connection: '@filesystem.lake', path: 's3://lake/a.parquet'"},
    {"CsvToS3", "filesystem.csv_writer", "connection: '@filesystem.lake', path: 's3://lake/a.csv'", true},
    {"JsonToS3", "filesystem.json_writer", "connection: '@filesystem.lake', path: 's3://lake/a.json'", true},
    {"ParquetSetToS3", "filesystem.parquet_writer",
     "connection: '@filesystem.lake', path: 's3://lake/set', partition_by: [id]", true}};

std::string with_url(std::string text, const std::string& url) {
  for (size_t at = text.find("URL"); at != std::string::npos; at = text.find("URL", at + url.size()))
    if (at == 0 || text[at - 1] != '_') text.replace(at, 3, url);
  return text;
}

// One run, against a server of its own or the one at `url`.
void expect_clear_failure(const Row& row, const Fault& fault, std::string url = {}) {
  SCOPED_TRACE(std::string(row.name) + ", " + fault.name);
  const ScriptedServer server([&](Connection& connection) { serve(connection, fault); });
  if (url.empty()) url = server.url();
  Project project;
  project.set("SECRET", kSecret);
  project.set("OTHER_SECRET", kOtherSecret);
  while (url.ends_with('/')) url.pop_back();
  project.write("osiris_connections.yaml", with_url(kConnections, url), 0600);
  project.write("in.csv", "id,name\n1,a\n2,b\n");
  const std::string step = "  - id: asks\n    component: " + std::string(row.component) +
                           "\n    mode: " + (row.writes ? "write" : "read") + "\n    config: {" +
                           with_url(row.config, url) + "}\n" +
                           (fault.kind == Fault::Kind::kHang ? "    timeout: 2\n" : "");
  const std::string other =
      row.writes ? "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n"
                 : "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: out.csv}\n";
  project.write("p.yaml", oml("p", row.writes ? std::vector{other, step} : std::vector{step, other}));
  const Outcome outcome = project.osiris({"run", "p.yaml", "--json"});
  const Json document = outcome.json();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  std::string category, said;
  for (const Json& each : document["steps"].items()) {
    if (each["step_id"].as_string() != "asks") continue;
    EXPECT_EQ(each["status"].as_string(), "failed");
    category = each["category"].as_string();
    said = each["error"].as_string();
  }
  EXPECT_TRUE(fault.categories.contains(category)) << category << ": " << said;
  // To a reader of files 412 is a version that is not there any more.
  if (fault.kind == Fault::Kind::kAnswer && fault.status >= 400) {
    EXPECT_THAT(said, testing::AnyOf(testing::HasSubstr("answered " + std::to_string(fault.status)),
                                     testing::HasSubstr("was changed while it was read")));
  }
  if (fault.kind == Fault::Kind::kUntrusted) {
    EXPECT_THAT(said, testing::HasSubstr("certificate"));
  }
  EXPECT_FALSE(std::filesystem::exists(project.dir() / "out.csv"));
  std::string all = outcome.out + outcome.err;
  for (const auto& [path, content] : project.tree()) {
    EXPECT_FALSE(path.find(".osiris/state/") != std::string::npos && path.ends_with(".json")) << path;
    all += path + content;
  }
  for (const std::string secret : {kSecret, kOtherSecret})
    for (const std::string& form : {secret, percent_encode(secret), base64(secret), to_hex(secret)})
      EXPECT_EQ(all.find(form), std::string::npos) << form;
}

class WebFaults : public testing::TestWithParam<Row> {};

TEST_P(WebFaults, AreClearErrorsThatLeaveNothing) {
  // Certificates that nothing here trusts; the second one has expired, too.
  const Fault untrusted{"a certificate", Fault::Kind::kUntrusted, 200, {"connection.auth_failed"}};
  const ScriptedServer behind([&](Connection& connection) { serve(connection, untrusted); });
  const http::TlsFront strange(behind.port()), expired(behind.port(), http::TlsFront::Tls::kExpired);
  ASSERT_TRUE(strange.is_up() && expired.is_up()) << strange.error() << expired.error();
  std::vector<std::thread> runs;
  size_t tried = 0;
  for (const http::TlsFront* front : {&strange, &expired})
    runs.emplace_back([&, front] { expect_clear_failure(GetParam(), untrusted, front->url()); });
  for (const Fault& fault : faults()) {
    if (GetParam().harmless.contains(fault.name)) continue;
    runs.emplace_back([&] { expect_clear_failure(GetParam(), fault); });
    ++tried;
  }
  for (std::thread& run : runs) run.join();
  EXPECT_GE(tried, 10u);
}

INSTANTIATE_TEST_SUITE_P(Components, WebFaults, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace osiris::e2e
