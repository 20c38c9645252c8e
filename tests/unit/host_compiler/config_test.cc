// `config` against the component's spec: every error at its value.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class Config : public CompileTest {
 protected:
  // Compiles one step with `config` (YAML flow text) and returns its findings as "type location message".
  std::vector<std::string> findings(const std::string& component, const std::string& mode, const std::string& config) {
    const std::string before =
        mode == "write" ? "  - {id: rows, component: filesystem.csv_extractor, mode: read, config: {path: rows.csv}}\n"
                        : "";
    const CompileResult result = compile_text(
        pipeline(before + "  - {id: s, component: " + component + ", mode: " + mode + ", config: " + config + "}\n"));
    if (result.ok()) cfg_ = result.pipeline->steps.back().cfg;
    std::vector<std::string> lines;
    for (const Diagnostic& error : result.diagnostics.errors()) {
      EXPECT_GT(error.mark.line, 0) << error.to_text();
      lines.push_back(error.type + " " + error.location + " " + error.message);
    }
    for (const Diagnostic& warning : result.diagnostics.warnings())
      lines.push_back("warning " + warning.type + " " + warning.message);
    return lines;
  }
  using Lines = std::vector<std::string>;
  Json cfg_;
};

TEST_F(Config, UnknownAndMissingKeysHaveTheKnownTexts) {
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{pat: x}"),
            (Lines{"missing_config_key steps[1].config.path Missing required configuration key 'path' for component "
                   "'filesystem.csv_writer'",
                   "unknown_config_key steps[1].config.pat Unknown configuration key 'pat' for component "
                   "'filesystem.csv_writer'"}));
}

TEST_F(Config, TypesEnumsAndBoundsAreChecked) {
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{path: x, delimiter: 3}"),
            (Lines{"invalid_config_value steps[1].config.delimiter delimiter must be a string, got int"}));
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{path: x, newline: lfcr}"),
            (Lines{"invalid_config_value steps[1].config.newline newline must be 'lf', 'crlf' or 'cr', got 'lfcr'"}));
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{path: x, header: 1}"),
            (Lines{"invalid_config_value steps[1].config.header header must be a boolean, got int"}));
  EXPECT_EQ(findings("filesystem.csv_extractor", "read", "{path: x, limit: 0}"),
            (Lines{"invalid_config_value steps[0].config.limit limit must be at least 1, got 0"}));
  EXPECT_EQ(findings("filesystem.csv_extractor", "read", "{path: x, chunk_size: 99}"),
            (Lines{"invalid_config_value steps[0].config.chunk_size chunk_size must be at least 100, got 99"}));
  EXPECT_EQ(findings("filesystem.csv_extractor", "read", "{path: x, delimiter: ab}"),
            (Lines{"invalid_config_value steps[0].config.delimiter delimiter must have at most 1 character, got 2"}));
  EXPECT_EQ(
      findings("filesystem.csv_extractor", "read", "{path: x, columns: [a, [b]]}"),
      (Lines{"invalid_config_value steps[0].config.columns[1] columns[1] must be a string or an integer, got list"}));
  EXPECT_EQ(findings("filesystem.csv_extractor", "read", "{path: x, columns: [a, a]}"),
            (Lines{"invalid_config_value steps[0].config.columns[1] columns[1] is listed twice"}));
  EXPECT_EQ(findings("filesystem.csv_extractor", "read", "{path: \"\"}"),
            (Lines{"invalid_config_value steps[0].config.path path must not be empty"}));
}

TEST_F(Config, ValuesOfTheRightKindPass) {
  EXPECT_EQ(
      findings("filesystem.csv_extractor", "read",
               "{path: x, header: 2, columns: [a, 1], limit: 5, parse_dates: [d], dtype: {a: str}, delimiter: ř}"),
      Lines{});
}

TEST_F(Config, YamlWordsForBooleansAreExplained) {
  const CompileResult result =
      compile_text(pipeline("  - {id: s, component: filesystem.csv_extractor, mode: read, config: {path: yes}}\n"));
  ASSERT_EQ(result.diagnostics.errors().size(), 1u);
  EXPECT_EQ(result.diagnostics.errors()[0].hint, "write \"yes\" if text is meant, true if not");
  EXPECT_EQ(result.diagnostics.errors()[0].message,
            "path must be a string, got bool: 'yes' is read as true (YAML 1.1)");
}

TEST_F(Config, HarmlessKeysOfShippedPipelinesWarnAndVanish) {
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{path: x, write_mode: overwrite, quotechar: '\"'}"),
            (Lines{"warning unknown_config_key Unknown configuration key 'write_mode' for component "
                   "'filesystem.csv_writer'; it changes nothing here"}));
  EXPECT_FALSE(cfg_.contains("write_mode"));
  EXPECT_TRUE(cfg_.contains("quotechar")) << "a key since the writer has it";
}

TEST_F(Config, TheSameKeysFailWhereTheyWouldChangeSomething) {
  EXPECT_EQ(findings("filesystem.csv_writer", "write", "{path: x, write_mode: append}"),
            (Lines{"unknown_config_key steps[1].config.write_mode Unknown configuration key 'write_mode' for component "
                   "'filesystem.csv_writer'"}));
}

TEST_F(Config, AQueryOrATableButNotBoth) {
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.a\"}"),
            (Lines{"missing_config_key steps[0].config Missing required configuration key 'query' or 'table' for "
                   "component 'mysql.extractor'"}));
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.a\", query: q, table: t}"),
            (Lines{"conflicting_config_keys steps[0].config Configuration keys 'query' and 'table' of component "
                   "'mysql.extractor' exclude each other"}));
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.a\", table: t}"), Lines{});
}

TEST_F(Config, AnUpsertNeedsItsKeys) {
  EXPECT_EQ(
      findings("supabase.writer", "write", "{connection: \"@supabase.a\", table: t, write_mode: upsert}"),
      (Lines{
          "missing_required_field steps[1].config.primary_key 'primary_key' is required when write_mode is 'upsert'"}));
  EXPECT_EQ(
      findings("mysql.writer", "write", "{connection: \"@mysql.a\", table: t, write_mode: upsert, upsert_keys: [id]}"),
      Lines{});
  EXPECT_EQ(findings("supabase.writer", "write",
                     "{connection: \"@supabase.a\", table: t, write_mode: upsert, primary_key: [id]}"),
            Lines{});
}

TEST_F(Config, AWritersOwnModeDoesNotHideTheStepsMode) {
  EXPECT_EQ(findings("mysql.writer", "write", "{connection: \"@mysql.a\", table: t, mode: replace}"), Lines{});
  EXPECT_EQ(cfg_["mode"], Json("write"));
  EXPECT_EQ(cfg_["write_mode"], Json("replace"));
}

TEST_F(Config, ConnectionReferencesAreChecked) {
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql\", query: q}"),
            (Lines{"invalid_connection_ref steps[0].config.connection Invalid connection reference: '@mysql' (expected "
                   "format: '@family.alias')"}));
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@supabase.lake\", query: q}"),
            (Lines{"connection_family_mismatch steps[0].config.connection Connection family mismatch: step uses mysql, "
                   "ref is supabase"}));
}

TEST_F(Config, OverridesFollowTheirPolicy) {
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.a\", query: q, database: other}"),
            (Lines{"forbidden_override steps[0].config.database Cannot override connection field 'database' (policy: "
                   "forbidden)"}));
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.a\", query: q, host: other}"), Lines{});
  EXPECT_EQ(
      findings("graphql.extractor", "read",
               "{connection: \"@graphql.a\", query: q, endpoint: \"http://h/\", headers: {Accept: x}}"),
      (Lines{"warning override_warning Overriding connection field 'headers' (consider using connection value)"}));
}

TEST_F(Config, ConnectionsAreLookedUpAsFarAsAsked) {
  use_connections(
      "connections: {mysql: {shop: {default: true, host: h, database: d, user: u, password: \"${SHOP_PASSWORD}\"}}}\n");
  const std::string missing = "{connection: \"@mysql.shp\", query: q}",
                    known = "{connection: \"@mysql.shop\", query: q}";
  const std::string text = "Connection alias 'shp' not found in family 'mysql'. Available aliases: shop";
  EXPECT_EQ(findings("mysql.extractor", "read", missing), (Lines{"warning unknown_connection " + text}));
  options_.connections = ConnectionCheck::kExists;
  EXPECT_EQ(findings("mysql.extractor", "read", missing),
            (Lines{"unknown_connection steps[0].config.connection " + text}));
  const std::string unset = "Environment variable 'SHOP_PASSWORD' not set for password in mysql.shop";
  EXPECT_EQ(findings("mysql.extractor", "read", known), (Lines{"warning unresolved_connection " + unset}));
  options_.connections = ConnectionCheck::kResolves;
  EXPECT_EQ(findings("mysql.extractor", "read", known),
            (Lines{"unresolved_connection steps[0].config.connection " + unset}));
}

TEST_F(Config, AStepWithoutConnectionTakesTheDefaultOne) {
  options_.connections = ConnectionCheck::kResolves;
  EXPECT_EQ(findings("mysql.extractor", "read", "{query: q}"),
            (Lines{"missing_connection steps[0].config.connection No connections configured. Create "
                   "osiris_connections.yaml with mysql connections."}));
  use_connections(
      "connections: {mysql: {a: {host: h, database: d}, b: {default: true, host: h, port: \"3307\", database: d, user: "
      "u, password: "
      "secret1}}}\n");
  EXPECT_EQ(findings("mysql.extractor", "read", "{query: q}"), Lines{});
}

TEST_F(Config, APublicGraphQlEndpointNeedsNoConnection) {
  options_.connections = ConnectionCheck::kResolves;
  EXPECT_EQ(findings("graphql.extractor", "read", "{endpoint: \"http://h/\", query: q}"), Lines{});
}

TEST_F(Config, AConnectionFieldOfTheWrongTypeIsFoundBeforeTheRun) {
  options_.connections = ConnectionCheck::kResolves;
  use_connections("connections: {mysql: {b: {host: h, port: many, database: d, user: u}}}\n");
  EXPECT_EQ(findings("mysql.extractor", "read", "{connection: \"@mysql.b\", query: q}"),
            (Lines{"invalid_connection_value connections.mysql.b.port port must be an integer, got str"}));
}

TEST_F(Config, TimeoutRetryAndMaterializeTakeWhatTheyMean) {
  auto step = [](const std::string& keys) {
    return pipeline("  - {id: s, component: filesystem.csv_extractor, mode: read, config: {path: x}, " + keys + "}\n");
  };
  const CompileResult result = compile_text(step("timeout: 5m, retry: {max_attempts: 3, delay: 500ms}"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].timeout_s, 300.0);
  EXPECT_EQ(result.pipeline->steps[0].retry->max_attempts, 3);
  EXPECT_EQ(result.pipeline->steps[0].retry->delay_s, 0.5);
  EXPECT_EQ(result.pipeline->manifest["steps"].items()[0]["timeout_s"], Json(300.0));
  EXPECT_EQ(compile_text(step("timeout: 30, retry: 2")).pipeline->steps[0].retry->max_attempts, 2);
  EXPECT_FALSE(result.pipeline->steps[0].materialize);
  EXPECT_FALSE(result.pipeline->manifest["steps"].items()[0].contains("materialize"));
  const CompileResult stored = compile_text(step("materialize: true"));
  EXPECT_TRUE(stored.pipeline->steps[0].materialize);
  EXPECT_EQ(stored.pipeline->manifest["steps"].items()[0]["materialize"], Json(true));
  for (const char* bad : {"materialize: 1", "materialize: always"}) {
    const CompileResult refused = compile_text(step(bad));
    ASSERT_EQ(refused.diagnostics.errors().size(), 1u) << bad;
    EXPECT_EQ(refused.diagnostics.errors()[0].type, "invalid_materialize");
  }
  for (const char* bad : {"timeout: soon", "timeout: 0", "timeout: -1", "timeout: 5 parsecs", "retry: 0", "retry: many",
                          "retry: {attempts: 3}", "retry: {max_attempts: 1000}"}) {
    const CompileResult refused = compile_text(step(bad));
    ASSERT_EQ(refused.diagnostics.errors().size(), 1u) << bad;
    EXPECT_TRUE(refused.diagnostics.errors()[0].type == "invalid_timeout" ||
                refused.diagnostics.errors()[0].type == "invalid_retry")
        << bad;
  }
}

}  // namespace
}  // namespace osiris
