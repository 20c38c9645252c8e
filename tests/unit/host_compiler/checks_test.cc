// `checks:` of a step: their form, what they become in the manifest and the plan, and the order they ask for.
#include <gmock/gmock.h>

#include <algorithm>

#include "host/compiler/json_schema.h"
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Checks : public CompileTest {
 protected:
  static std::string orders(const std::string& checks) {
    return pipeline(
        "  - id: orders\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: o.csv}\n"
        "    needs: []\n    checks:\n" +
        checks);
  }
  CompileResult with(const std::string& check) { return compile_text(orders("      - " + check + "\n")); }
  static std::string with_single_quotes(std::string text) {
    std::replace(text.begin(), text.end(), '"', '\'');
    return text;
  }
  std::vector<DataCheck> checks(const std::string& yaml) {
    const CompileResult result = compile_text(orders(yaml));
    EXPECT_TRUE(result.ok()) << all_text(result);
    std::vector<DataCheck> found;
    if (result.ok())
      for (const CompiledCheck& each : result.pipeline->steps[0].checks) found.push_back(each.check);
    return found;
  }
};

TEST_F(Checks, EachKindIsRead) {
  const auto read = checks(
      "      - not_null: id\n"
      "      - unique: [a, b]\n        severity: warn\n        store_failures: true\n"
      "      - accepted_values: {column: status, values: [open, 1, true]}\n"
      "      - relationships: {column: customer, to: orders}\n"
      "      - row_count: {min: 1}\n"
      "      - row_count: 5\n"
      "      - freshness: {column: at, max_age: 36h}\n"
      "      - range: {column: day, min: 2025-01-01}\n"
      "      - pattern: {column: email, regex: '@'}\n"
      "      - sql: SELECT * FROM this WHERE a > b\n        name: a before b\n");
  std::vector<std::string> documents;
  for (const DataCheck& check : read) documents.push_back(with_single_quotes(to_json(check).dump()));
  EXPECT_THAT(
      documents,
      ElementsAre(
          "{'name':'not_null(id)','type':'not_null','columns':['id']}",
          "{'name':'unique(a, b)','type':'unique','severity':'warn','store_failures':true,'columns':['a','b']}",
          "{'name':'accepted_values(status)','type':'accepted_values','columns':['status'],'values':['open',1,true]}",
          "{'name':'relationships(customer in "
          "orders.customer)','type':'relationships','columns':['customer'],'to':{'step':'orders','column':'customer'}}",
          "{'name':'row_count','type':'row_count','min':1}",
          "{'name':'row_count #2','type':'row_count','min':5,'max':5}",
          "{'name':'freshness(at)','type':'freshness','columns':['at'],'max_age_s':129600.0}",
          "{'name':'range(day)','type':'range','columns':['day'],'min':'2025-01-01'}",
          "{'name':'pattern(email)','type':'pattern','columns':['email'],'pattern':'@'}",
          "{'name':'a before b','type':'sql','sql':'SELECT * FROM this WHERE a > b'}"));
}

struct Slip {
  const char* check;
  const char* type;
  const char* message;
  const char* hint;
};

TEST_F(Checks, SlipsAreFoundAtTheirLineWithAHint) {
  const Slip slips[] = {
      {"not_nul: id", "unknown_check", "'not_nul'", "'not_null'"},
      {"severity: warn", "invalid_check", "says nothing", "not_null"},
      {"id", "invalid_check", "must be a mapping", "- not_null: id"},
      {"{not_null: id, unique: id}", "invalid_check", "one kind", "two checks"},
      {"not_null: []", "invalid_check", "names no column", "[id, name]"},
      {"not_null: [id, 3]", "invalid_check", "got int", "[id, name]"},
      {"unique: [id, id]", "invalid_check", "'id' twice", "unique: id"},
      {"{not_null: id, severity: fatal}", "invalid_check", "error or warn", "only named"},
      {"{not_null: id, store_failures: 1}", "invalid_check", "true or false", "become a file"},
      {"{row_count: 3, store_failures: true}", "invalid_check", "names no rows", "remove store_failures"},
      {"{not_null: id, name: 3}", "invalid_check", "name of a check", "write name:"},
      {"row_count: many", "invalid_check", "number of rows", "{min: 1, max: 1000}"},
      {"row_count: -1", "invalid_check", "number of rows", "row_count: 12"},
      {"row_count: {min: 5, max: 2}", "invalid_check", "greater than", "row_count"},
      {"row_count: {most: 5}", "invalid_check", "'most'", "row_count: 12"},
      {"range: {column: a}", "invalid_check", "'min', 'max' or both", "range: {column"},
      {"range: {column: a, min: 1, max: z}", "invalid_check", "a number and a text", "range: {column"},
      {"range: {min: 1}", "invalid_check", "'column'", "range: {column"},
      {"accepted_values: {column: a}", "invalid_check", "'values'", "[open, paid]"},
      {"accepted_values: {column: a, values: [null]}", "invalid_check", "NULL is accepted anyway", "[open, paid]"},
      {"freshness: {column: a, max_age: soon}", "invalid_check", "duration", "24h"},
      {"pattern: {column: a}", "invalid_check", "'regex'", "regex:"},
      {"pattern: {column: a, regexp: x}", "invalid_check", "'regexp'", "'regex'"},
      {"relationships: {column: a}", "invalid_check", "'to'", "to: customers"},
      {"relationships: {column: a, to: order}", "unknown_dependency", "'order'", "'orders'"},
      {"sql: ''", "invalid_check", "must be a query", "from this"},
  };
  for (const Slip& slip : slips) {
    SCOPED_TRACE(slip.check);
    const CompileResult result = with(slip.check);
    EXPECT_FALSE(result.ok());
    const Diagnostic* found = find(result.diagnostics.errors(), slip.type);
    ASSERT_NE(found, nullptr) << all_text(result);
    EXPECT_THAT(found->message, HasSubstr(slip.message));
    EXPECT_THAT(found->hint, HasSubstr(slip.hint));
    EXPECT_EQ(found->mark.line, 10);
  }
}

TEST_F(Checks, AListIsWanted) {
  const CompileResult result = compile_text(orders("      not_null: id\n"));
  const Diagnostic* found = find(result.diagnostics.errors(), "invalid_checks_type");
  ASSERT_NE(found, nullptr) << all_text(result);
  EXPECT_THAT(found->hint, HasSubstr("- not_null"));
}

constexpr const char* kTwo =
    "  - {id: orders, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: o.csv}, checks: "
    "[{relationships: {column: customer, to: customers, field: id}}]}\n"
    "  - {id: customers, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: c.csv}}\n"
    "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [orders], config: {path: out.csv}}\n";

TEST_F(Checks, WhatARelationshipReadsComesBeforeAndIsNoInput) {
  const CompileResult result = compile_text(pipeline(kTwo));
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].id, "customers");
  EXPECT_TRUE(result.pipeline->steps[1].needs.empty());
  const auto planned = make_adapter_inputs(*result.pipeline, inputs(), {directory_.path(), {}});
  ASSERT_TRUE(planned.ok());
  EXPECT_THAT(planned->plan.steps[1].needs, ElementsAre("customers"));
  EXPECT_TRUE(planned->plan.steps[1].inputs.empty());
}

TEST_F(Checks, ACycleOfRelationshipsIsRefused) {
  std::string steps = kTwo;
  steps.replace(steps.find("config: {path: c.csv}"), 21,
                "config: {path: c.csv}, checks: [{relationships: {column: id, to: orders, field: customer}}]");
  const CompileResult result = compile_text(pipeline(steps));
  EXPECT_NE(find(result.diagnostics.errors(), "dependency_cycle"), nullptr) << all_text(result);
}

TEST_F(Checks, AWriterHasNoRowsToCheck) {
  std::string steps = kTwo;
  steps.replace(steps.find("config: {path: out.csv}"), 23, "config: {path: out.csv}, checks: [{not_null: id}]");
  const CompileResult writer = compile_text(pipeline(steps));
  const Diagnostic* found = find(writer.diagnostics.errors(), "invalid_check");
  ASSERT_NE(found, nullptr) << all_text(writer);
  EXPECT_THAT(found->hint, HasSubstr("move checks:"));
  steps = kTwo;
  steps.replace(steps.find("to: customers"), 13, "to: save");
  EXPECT_NE(find(compile_text(pipeline(steps)).diagnostics.errors(), "invalid_check"), nullptr);
}

TEST_F(Checks, ManifestsWithoutThemKeepTheirBytesAndWithThemComeBack) {
  const CompileResult plain =
      compile_text(pipeline("  - {id: a, component: filesystem.csv_extractor, mode: read, config: {path: a.csv}}\n"));
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain.pipeline->manifest["steps"].items()[0].contains("checks"));
  CompileResult result = compile_text(pipeline(kTwo));
  ASSERT_TRUE(result.ok());
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  options_.file = result.pipeline->compiled_dir / "manifest.yaml";
  const CompileResult loaded = compile_or_load(options_, inputs());
  ASSERT_TRUE(loaded.ok()) << all_text(loaded);
  ASSERT_EQ(loaded.pipeline->steps[1].checks.size(), 1u);
  EXPECT_EQ(to_json(loaded.pipeline->steps[1].checks[0].check).dump(),
            to_json(result.pipeline->steps[1].checks[0].check).dump());
  EXPECT_EQ(loaded.pipeline->manifest_hash, result.pipeline->manifest_hash);
}

TEST_F(Checks, ADamagedOneInAManifestIsRefused) {
  CompileResult result = compile_text(pipeline(kTwo));
  ASSERT_TRUE(result.ok());
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  options_.file = result.pipeline->compiled_dir / "manifest.yaml";
  std::string text = *read_file(options_.file);
  text.replace(text.find("type: relationships"), 19, "type: relationship");
  ASSERT_TRUE(write_file_atomically(options_.file, text).ok());
  const CompileResult loaded = compile_or_load(options_, inputs());
  EXPECT_NE(find(loaded.diagnostics.errors(), "invalid_manifest"), nullptr) << all_text(loaded);
}

TEST_F(Checks, ParametersInTheirSqlAreJudged) {
  const std::string text = "params:\n  limit: {type: string, default: \"1; DROP TABLE this\"}\n" +
                           orders("      - sql: SELECT * FROM this WHERE a > ${params.limit}\n");
  const CompileResult result = compile_text(text);
  EXPECT_NE(find(result.diagnostics.errors(), "unsafe_sql_value"), nullptr) << all_text(result);
}

TEST_F(Checks, TheSchemaKnowsEachKind) {
  const Json properties = oml_json_schema(registry_)["definitions"]["check"]["properties"];
  std::vector<std::string> listed, known = {"name", "severity", "store_failures"};
  for (const auto& [name, schema] : properties.members()) listed.push_back(name);
  known.insert(known.end(), check_kind_names().begin(), check_kind_names().end());
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(known));
}

}  // namespace
}  // namespace osiris
