// The hosts that each component would connect to, as a dry run shows them and a sandbox's rules take them: of
// connections, of addresses, and of taps and programs, which say theirs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

struct Row {
  const char* name;
  const char* component;
  const char* config;
  std::vector<std::string> hosts;
};

constexpr char kConnections[] = R"(version: 1
connections:
  graphql: {garden: {auth_type: bearer, auth_token: "${SECRET}"}}
  posthog:
    eu: {api_key: "${SECRET}", project_id: 42, region: eu}
    own: {api_key: "${SECRET}", project_id: 42, region: self_hosted, custom_base_url: "https://hits.example:8443"}
  supabase:
    api: {project_id: abcdefgh, service_role_key: "${SECRET}"}
    dsn: {url: "https://lake.example", service_role_key: "${SECRET}", pg_dsn: "${DSN}"}
  postgres: {shop: {host: pg.example, database: shop, user: app, password: "${SECRET}"}}
  mysql: {shop: {host: my.example, port: 3307, database: shop, user: app, password: "${SECRET}"}}
  singer: {github: {secrets: {access_token: "${SECRET}"}}}
  filesystem:
    aws: {region: eu-central-1, access_key_id: k, secret_access_key: "${SECRET}"}
    own: {endpoint: "https://minio.example:9000", access_key_id: k, secret_access_key: "${SECRET}"}
)";

const Row kRows[] = {
    {"Graphql",
     "graphql.extractor",
     "connection: '@graphql.garden', endpoint: 'https://api.garden.example/graphql', query: '{ plants { id } }'",
     {"api.garden.example:443"}},
    {"PosthogRegion", "posthog.extractor", "connection: '@posthog.eu', data_type: events", {"eu.posthog.com:443"}},
    {"PosthogOwn", "posthog.extractor", "connection: '@posthog.own', data_type: events", {"hits.example:8443"}},
    {"SupabaseApi", "supabase.extractor", "connection: '@supabase.api', table: t", {"abcdefgh.supabase.co:443"}},
    {"SupabaseDsn", "supabase.extractor", "connection: '@supabase.dsn', table: t", {"db.example:6543"}},
    {"Postgres", "postgres.extractor", "connection: '@postgres.shop', table: t", {"pg.example:5432"}},
    {"Mysql", "mysql.extractor", "connection: '@mysql.shop', table: t", {"my.example:3307"}},
    {"Singer",
     "singer.extractor",
     "connection: '@singer.github', tap: tap-github, stream: issues, network: [api.github.com, 'logs.example:8080']",
     {"api.github.com:443", "logs.example:8080"}},
    {"S3OfAmazon",
     "filesystem.parquet_extractor",
     "connection: '@filesystem.aws', path: 's3://lake/a.parquet'",
     {"lake.s3.eu-central-1.amazonaws.com:443"}},
    {"S3OfOnesOwn",
     "filesystem.json_extractor",
     "connection: '@filesystem.own', path: 's3://lake/*.json'",
     {"minio.example:9000"}},
    {"Https", "filesystem.csv_extractor", "path: 'https://files.example/a.csv?signature=x'", {"files.example:443"}}};

class Hosts : public testing::TestWithParam<Row> {
 protected:
  std::string dry_run(const std::vector<std::string>& steps) {
    project_.write("osiris_connections.yaml", kConnections, 0600);
    project_.set("SECRET", "c4nary-secret");
    project_.set("DSN", "postgresql://app:c4nary-secret@db.example:6543/postgres");
    project_.write("p.yaml", oml("p", steps));
    const Outcome outcome = project_.osiris({"run", "p.yaml", "--dry-run"});
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find("c4nary"), std::string::npos);
    return outcome.out;
  }
  Project project_;
};

constexpr char kSave[] =
    "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: out.csv}\n";

TEST_P(Hosts, AreShownBeforeARun) {
  const std::string shown = dry_run({"  - id: read\n    component: " + std::string(GetParam().component) +
                                         "\n    mode: read\n    config: {" + GetParam().config + "}\n",
                                     kSave});
  for (const std::string& host : GetParam().hosts) EXPECT_THAT(shown, testing::HasSubstr(host));
}

INSTANTIATE_TEST_SUITE_P(Components, Hosts, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(Hosts, OfAProgramAreThoseThatItsStepSays) {
  project_.write("in.csv", "a\n1\n");
  const std::string read =
      "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n";
  const auto rates = [](const std::string& more) {
    return "  - id: rates\n    component: exec.processor\n    mode: transform\n    needs: [read]\n    config: "
           "{command: "
           "[cat, in.csv]" +
           more + "}\n";
  };
  const std::string with = dry_run({read, rates(", network: [rates.example, 'other.example:8443']"), kSave});
  EXPECT_THAT(with, testing::HasSubstr("rates.example:443"));
  EXPECT_THAT(with, testing::HasSubstr("other.example:8443"));
  EXPECT_THAT(dry_run({read, rates(""), kSave}), testing::Not(testing::HasSubstr("rates.example")));
}

}  // namespace
}  // namespace osiris::e2e
