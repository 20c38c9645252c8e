// Connection files are checked as pipelines are, and the same by validate and run.
#include "host/compiler/connection_check.h"

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class ConnectionChecks : public CompileTest {
 protected:
  static constexpr char kStep[] = "  - {id: s, component: mysql.extractor, mode: read, config: {query: SELECT 1}}\n";

  // What `validate` without a file says of a file with one mysql connection of these lines.
  Diagnostics whole_file(const std::string& fields) {
    use_connections("connections:\n  mysql:\n    shop:\n      default: true\n      database: d\n" + fields);
    Diagnostics findings;
    check_connections(connections_, registry_, findings);
    return findings;
  }
  CompileResult with_step(const std::string& fields, ConnectionCheck check) {
    use_connections("connections:\n  mysql:\n    shop:\n      default: true\n      database: d\n" + fields);
    options_.connections = check;
    return compile_text(pipeline(kStep));
  }
  static std::string text_of(const Diagnostics& findings) {
    std::string text;
    for (const Diagnostic& error : findings.errors()) text += error.to_text() + "\n";
    for (const Diagnostic& warning : findings.warnings()) text += warning.to_text() + "\n";
    return text;
  }
};

struct Wrong {
  const char* name;
  const char* line;
  const char* message;
  const char* hint;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class WrongFields : public ConnectionChecks, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongFields, AreErrorsForValidateAndRunAlike) {
  const std::string line = std::string("      ") + GetParam().line + "\n";
  const Diagnostics project = whole_file(line);
  ASSERT_EQ(project.errors().size(), 1u) << text_of(project);
  const Diagnostic& error = project.errors()[0];
  EXPECT_EQ(error.message.rfind(GetParam().message, 0), 0u) << error.message;
  EXPECT_NE(error.hint.find(GetParam().hint), std::string::npos) << error.hint;
  EXPECT_EQ(error.mark.line, 6);
  for (const ConnectionCheck check : {ConnectionCheck::kExists, ConnectionCheck::kResolves}) {
    const CompileResult result = with_step(line, check);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.diagnostics.errors()[0].to_text(), error.to_text());
  }
}

INSTANTIATE_TEST_SUITE_P(
    In, WrongFields,
    ::testing::Values(
        Wrong{"ANumberAsPassword", "password: 12345",
              "Field 'password' of connection mysql.shop must be text, and YAML reads what is written as a number",
              "put it in quotes"},
        Wrong{"AnOctalPassword", "password: 012345",
              "Field 'password' of connection mysql.shop must be text, and YAML reads what is written as a number",
              "put it in quotes"},
        Wrong{"AWordAsPassword", "password: off",
              "Field 'password' of connection mysql.shop must be text, and YAML reads what is written as a boolean",
              "put it in quotes"},
        Wrong{"ADateAsPassword", "password: 2025-01-01",
              "Field 'password' of connection mysql.shop must be text, and YAML reads what is written as a date",
              "put it in quotes"},
        Wrong{"NoPassword", "password:", "Field 'password' of connection mysql.shop is empty", "write \"\""},
        Wrong{"AListAsPassword", "password: [a]", "Field 'password' of connection mysql.shop must be text", ""},
        Wrong{"ANumberAsUser", "user: 007", "user must be a string, got int", "write \"007\" if text is meant"},
        Wrong{"APortThatIsNone", "port: many", "port must be an integer, got str", ""},
        Wrong{"AMistypedField", "databse: x", "Unknown field 'databse' of connection mysql.shop",
              "did you mean 'database'?"},
        Wrong{"AnOpenBrace", "host: ${SHOP_HOST",
              "Field 'host' of connection mysql.shop holds a '${' that is never closed", "close it with '}'"},
        Wrong{"ALongTable", "schema: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "schema must have at most 64 characters, got 65", ""},
        Wrong{"AForeignField", "colour: red", "Unknown field 'colour' of connection mysql.shop", "known fields: "},
        Wrong{"AMode", "ssl_mode: requred", "ssl_mode must be ", "did you mean 'required'?"}),
    [](const auto& test) { return test.param.name; });

TEST_F(ConnectionChecks, TheSecretItselfIsNeverShown) {
  EXPECT_EQ(text_of(whole_file("      password: 987654\n")).find("987654"), std::string::npos);
  EXPECT_EQ(text_of(whole_file("      password: $ecret\n")).find("ecret}"), std::string::npos);
}

TEST_F(ConnectionChecks, FindingsShowTheirLineUnlessASecretStandsInIt) {
  const Diagnostics block = whole_file("      port: many\n      password: 987654\n");
  ASSERT_EQ(block.errors().size(), 2u) << text_of(block);
  EXPECT_EQ(block.errors()[0].source_line, "");
  EXPECT_EQ(block.errors()[1].source_line, "      port: many");
  use_connections("connections:\n  mysql:\n    shop: {database: d, port: many, password: s3cret}\n");
  Diagnostics flow;
  check_connections(connections_, registry_, flow);
  ASSERT_EQ(flow.errors().size(), 1u) << text_of(flow);
  EXPECT_EQ(flow.errors()[0].source_line, "");
}

TEST_F(ConnectionChecks, AFileThatIsNoYamlShowsNoSecretEither) {
  for (const char* line : {"password: %s3cret", "password: @s3cret", "password: \"s3cret", "password s3cret"}) {
    const auto file = directory_.path() / "broken.yaml";
    ASSERT_TRUE(
        write_file_atomically(file, "connections:\n  mysql:\n    shop:\n      " + std::string(line) + "\n").ok());
    Diagnostics findings;
    const auto loaded = Connections::load_file(file, environment_, &findings);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ((loaded.error().message + loaded.error().hint).find("s3cret"), std::string::npos) << line;
    ASSERT_FALSE(findings.ok());
    for (const Diagnostic& finding : findings.errors())
      EXPECT_EQ((finding.to_text() + finding.source_line).find("s3cret"), std::string::npos) << finding.to_text();
  }
}

TEST_F(ConnectionChecks, EveryVariableThatIsNotSetIsSaidAtItsField) {
  const Diagnostics findings = whole_file("      host: ${SHOP_HOST}\n      user: ${SHOP_USER}\n");
  ASSERT_EQ(findings.warnings().size(), 2u) << text_of(findings);
  EXPECT_EQ(findings.warnings()[0].mark.line, 6);
  EXPECT_EQ(findings.warnings()[1].mark.line, 7);
}

TEST_F(ConnectionChecks, WhatNoStepCanGiveMustBeThere) {
  use_connections("connections:\n  mysql:\n    shop: {default: true, host: h}\n");
  options_.connections = ConnectionCheck::kExists;
  const CompileResult result = compile_text(pipeline(kStep));
  const Diagnostic* error = find(result.diagnostics.errors(), "missing_required_field");
  ASSERT_TRUE(error) << all_text(result);
  EXPECT_EQ(error->message, "Connection mysql.shop has no field 'database'");
  EXPECT_EQ(error->mark.line, 3);
}

TEST_F(ConnectionChecks, AVariableWithoutBracesIsSaid) {
  const Diagnostics unset = whole_file("      password: $SHOP_PASSWORD\n");
  const Diagnostic* warning = find(unset.warnings(), "unbraced_variable");
  ASSERT_TRUE(warning) << text_of(unset);
  EXPECT_TRUE(unset.ok());
  environment_.set("SHOP_PASSWORD", "s3cret");
  const Diagnostics set = whole_file("      password: $SHOP_PASSWORD\n");
  ASSERT_EQ(set.errors().size(), 1u) << text_of(set);
  EXPECT_EQ(set.errors()[0].hint, "write ${SHOP_PASSWORD}");
}

TEST_F(ConnectionChecks, TrapsAndDuplicatesAreWarnings) {
  const Diagnostics findings = whole_file("      port: 03306\n      host: a\n      host: b\n");
  EXPECT_TRUE(find(findings.warnings(), "yaml_trap")) << text_of(findings);
  EXPECT_TRUE(find(findings.warnings(), "duplicate_key")) << text_of(findings);
  const CompileResult result = with_step("      host: a\n      host: b\n", ConnectionCheck::kResolves);
  EXPECT_TRUE(find(result.diagnostics.warnings(), "duplicate_key")) << all_text(result);
}

TEST_F(ConnectionChecks, ConnectionsThatNoStepUsesDoNotStopARun) {
  use_connections(
      "connections:\n  mysql:\n    shop: {default: true, database: d}\n    old: {database: d, password: 123}\n");
  options_.connections = ConnectionCheck::kResolves;
  EXPECT_TRUE(compile_text(pipeline(kStep)).ok());
}

TEST_F(ConnectionChecks, TextFromVariablesTakesTheTypeThatIsWanted) {
  environment_.set("PORT", "3307");
  environment_.set("PASSWORD", "012345");
  EXPECT_TRUE(whole_file("      port: ${PORT}\n      password: ${PASSWORD}\n").ok());
  environment_.set("PORT", "many");
  EXPECT_FALSE(whole_file("      port: ${PORT}\n").ok());
}

TEST_F(ConnectionChecks, TheExamplesHaveNoFinding) {
  for (const char* name : {"WAREHOUSE_DB_HOST", "WAREHOUSE_DB_PASSWORD", "METERING_DB_HOST", "METERING_DB_PASSWORD",
                           "LAKE_URL", "LAKE_SERVICE_ROLE_KEY", "LAKE_PG_PASSWORD", "GARDEN_TOKEN"})
    environment_.set(name, "https://v.example");
  use_connections(*read_file(examples_dir() / "osiris_connections.yaml"));
  Diagnostics findings;
  check_connections(connections_, registry_, findings);
  EXPECT_EQ(text_of(findings), "");
}

}  // namespace
}  // namespace osiris
