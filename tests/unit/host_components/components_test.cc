// Component specs and the schema checker behind them.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "host/components/compiled_specs.h"
#include "host/components/registry.h"
#include "host/components/schema.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

fs::path shipped() { return fs::path(std::getenv("OSIRIS_BUILD_DIR")) / "share/osiris/components"; }

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/osiris-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Directory() { fs::remove_all(path); }
  void spec(const std::string& name, const std::string& text) const {
    fs::create_directories(path / name);
    std::ofstream(path / name / "spec.yaml") << text;
  }
  fs::path path;
};

const char* const kSmallSpec =
    "name: acme.reader\nversion: 1.0.0\nmodes: [extract]\ncapabilities: {streaming: true}\n"
    "configSchema: {type: object, properties: {place: {type: string}}}\nsecrets: [/token]\n"
    "x-runtime: {driver: acme.drivers.Reader, requirements: {packages: [acme]}}\n";

TEST(Registry, EveryShippedSpecLoads) {
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({shipped()}, findings);
  EXPECT_TRUE(findings.warnings().empty()) << findings.warnings()[0].to_text();
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"duckdb.extractor",
                                                        "duckdb.processor",
                                                        "duckdb.writer",
                                                        "exec.processor",
                                                        "filesystem.csv_extractor",
                                                        "filesystem.csv_writer",
                                                        "filesystem.json_extractor",
                                                        "filesystem.json_writer",
                                                        "filesystem.parquet_extractor",
                                                        "filesystem.parquet_writer",
                                                        "graphql.extractor",
                                                        "mysql.extractor",
                                                        "mysql.writer",
                                                        "postgres.extractor",
                                                        "postgres.writer",
                                                        "posthog.extractor",
                                                        "python.processor",
                                                        "singer.extractor",
                                                        "sqlite.extractor",
                                                        "supabase.extractor",
                                                        "supabase.writer"}));
  EXPECT_TRUE(registry.find("mock")->hidden);
  for (const ComponentSpec* spec : registry.all()) EXPECT_EQ(spec->driver, spec->name);
  EXPECT_EQ(registry.find("mysql.extractor")->driver, "mysql.extractor");
  EXPECT_EQ(registry.hint_for_unknown("mysql.extracter"), "did you mean 'mysql.extractor'?");
  EXPECT_EQ(registry.hint_for_unknown("parquet.reader"), "did you mean 'filesystem.parquet_extractor'?");
  EXPECT_EQ(registry.hint_for_unknown("parquet_writer"), "did you mean 'filesystem.parquet_writer'?");
  EXPECT_EQ(registry.hint_for_unknown("aws.parquet-sink"), "did you mean 'filesystem.parquet_writer'?");
  EXPECT_EQ(registry.hint_for_unknown("shell.script"), "did you mean 'exec.processor'?");
  EXPECT_EQ(registry.hint_for_unknown("mariadb.source"), "did you mean 'mysql.extractor'?");
}

TEST(Registry, AConfigKeyNamedLikeAStepsOwnIsRefused) {
  const auto errors_with = [](const std::string& properties) {
    Diagnostics findings;
    (void)parse_spec_document(
        "name: acme.writer\nversion: 1.0.0\nmodes: [write]\ncapabilities: {}\n"
        "configSchema: {type: object, properties: {" +
            properties + "}}\n",
        findings);
    return findings.errors().empty() ? std::string() : findings.errors()[0].message;
  };
  for (const char* key : {"mode", "component", "connection"})
    EXPECT_EQ(errors_with(std::string(key) + ": {type: string}"),
              "config key '" + std::string(key) + "' is a step's own");
  EXPECT_EQ(errors_with("mode: {type: string}, write_mode: {type: string}"), "") << "it is carried as write_mode";
  EXPECT_EQ(errors_with("modes: {type: string}"), "");
}

// Then no run reads one as YAML.
TEST(Registry, EveryShippedSpecIsCompiledInAsItsFileReads) {
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({shipped()}, findings);
  const auto specs = registry.all(true);
  EXPECT_EQ(specs.size(), compiled_specs().size());
  std::set<std::string> secrets;
  for (const ComponentSpec* spec : specs) {
    const CompiledSpec* compiled = find_compiled_spec(spec->sha256);
    ASSERT_TRUE(compiled) << spec->name;
    const auto read = parse_spec_document(*read_file(spec->file), findings);
    ASSERT_TRUE(read) << spec->name;
    EXPECT_EQ(spec->document, *read) << spec->name;
    EXPECT_EQ(compiled->name, spec->name);
    EXPECT_EQ(compiled->has_driver, !spec->driver.empty()) << spec->name;
    secrets.insert(spec->secret_fields.begin(), spec->secret_fields.end());
  }
  EXPECT_EQ(registry.secret_fields(), std::vector<std::string>(secrets.begin(), secrets.end()));
}

TEST(Registry, ASpecThatWasChangedCountsAsItIs) {
  const Directory directory;
  const std::string shipped_text = *read_file(shipped() / "mock/spec.yaml");
  directory.spec("mock", "# changed\n" + shipped_text);
  Diagnostics findings;
  const ComponentRegistry changed = ComponentRegistry::load({directory.path}, findings);
  ASSERT_TRUE(changed.find("mock"));
  EXPECT_EQ(changed.find("mock")->sha256, sha256_hex("# changed\n" + shipped_text));
  EXPECT_NE(changed.specs_sha256(), ComponentRegistry::load({shipped()}, findings).specs_sha256());
}

TEST(Registry, EveryExampleOfASpecFitsItsOwnSchema) {
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({shipped()}, findings);
  for (const ComponentSpec* spec : registry.all()) {
    for (const Json& example : spec->document["examples"].items()) {
      for (const auto& [key, value] : example["config"].members()) {
        if (key == "connection") continue;
        ASSERT_FALSE(spec->property(key).is_null()) << spec->name << " " << key;
        EXPECT_TRUE(check_schema(spec->property(key), node_from_json(value), key).empty()) << spec->name << " " << key;
      }
    }
    for (const auto& [key, property] : spec->config_schema["properties"].members())
      if (const Json* value = property.find("default")) {
        EXPECT_TRUE(check_schema(property, node_from_json(*value), key).empty()) << spec->name << " " << key;
      }
  }
}

TEST(Registry, EverySpecHasAnExampleAndSaysWhatBecomesOfTypes) {
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({shipped()}, findings);
  EXPECT_GE(registry.all().size(), 21u);
  for (const ComponentSpec* spec : registry.all()) {
    EXPECT_GT(spec->document["examples"].size(), 0u) << spec->name;
    EXPECT_GT(spec->document["x-osiris"]["types"].size(), 0u) << spec->name;
  }
}

TEST(Registry, AForeignSpecLoadsAndItsPythonDriverIsIgnored) {
  const Directory directory;
  directory.spec("acme.reader", kSmallSpec);
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({directory.path}, findings);
  const ComponentSpec* spec = registry.find("acme.reader");
  ASSERT_TRUE(spec) << findings.warnings()[0].to_text();
  EXPECT_TRUE(spec->driver.empty());
  EXPECT_EQ(spec->connection_fields.size(), 1u) << "without x-connection-fields the secret pointers are taken";
  EXPECT_EQ(spec->connection_fields[0].policy, ConnectionField::Override::kForbidden);
  EXPECT_TRUE(spec->is_secret("token"));
}

TEST(Registry, ABrokenSpecIsSkippedWithItsPlace) {
  const Directory directory;
  directory.spec("good", kSmallSpec);
  directory.spec("bad", "name: Bad Name\nversion: 1\nmodes: []\nwhatever: 1\n");
  directory.spec("worse", "name: [\n");
  Diagnostics findings;
  const ComponentRegistry registry = ComponentRegistry::load({directory.path}, findings);
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"acme.reader"}));
  ASSERT_EQ(findings.warnings().size(), 2u);
  EXPECT_NE(findings.warnings()[0].message.find("bad/spec.yaml:1:"), std::string::npos)
      << findings.warnings()[0].message;
}

TEST(Registry, TheFirstDirectoryWins) {
  const Directory mine;
  mine.spec("mine", std::string(kSmallSpec).replace(6, 11, "mock"));
  Diagnostics findings;
  EXPECT_FALSE(ComponentRegistry::load({mine.path, shipped()}, findings).find("mock")->hidden);
}

TEST(Registry, SpecsHashCoversDriversAndNothingElse) {
  const Directory directory;
  directory.spec("acme.reader", kSmallSpec);
  Diagnostics findings;
  EXPECT_EQ(ComponentRegistry::load({directory.path}, findings).specs_sha256(), sha256_hex(""));
  const std::string with_driver = std::string(kSmallSpec) + "x-osiris: {driver: acme.reader}\n";
  directory.spec("acme.reader", with_driver);
  EXPECT_EQ(ComponentRegistry::load({directory.path}, findings).specs_sha256(),
            sha256_hex(std::string("acme.reader") + '\0' + sha256_hex(with_driver) + "\n"));
}

std::vector<std::string> issues(const char* schema, const char* value) {
  Diagnostics diagnostics;
  std::vector<std::string> messages;
  for (const SchemaIssue& issue : check_schema(*parse_json(schema), parse_yaml(value, diagnostics), "v"))
    messages.push_back(issue.message);
  return messages;
}
using Messages = std::vector<std::string>;

TEST(Schema, AcceptsWhatFits) {
  EXPECT_EQ(issues(R"({"type":["integer","null"],"minimum":1,"exclusiveMaximum":5})", "4"), Messages{});
  EXPECT_EQ(issues(R"({"type":"string","pattern":"^a+$","minLength":2,"maxLength":3})", "aa"), Messages{});
  EXPECT_EQ(
      issues(
          R"({"type":"object","required":["a"],"properties":{"a":{"const":1}},"additionalProperties":{"type":"string"}})",
          "{a: 1, b: x}"),
      Messages{});
  EXPECT_EQ(issues(R"({"oneOf":[{"type":"string"},{"type":"integer"}],"not":{"const":5}})", "4"), Messages{});
}

TEST(Schema, NamesWhatDoesNot) {
  const std::pair<const char*, const char*> types[] = {{"integer", "an integer"}, {"string", "a string"},
                                                       {"array", "a list"},       {"object", "a mapping"},
                                                       {"boolean", "a boolean"},  {"null", "null"}};
  for (const auto& [type, spelled] : types)
    EXPECT_EQ(issues((R"({"type":")" + std::string(type) + R"("})").c_str(), "1.5"),
              (Messages{"v must be " + std::string(spelled) + ", got float"}));
  EXPECT_EQ(issues(R"({"exclusiveMaximum":5})", "5"), (Messages{"v must be less than 5, got 5"}));
  EXPECT_EQ(issues(R"({"pattern":"^a+$"})", "ab"), (Messages{"v must match ^a+$, got 'ab'"}));
  EXPECT_EQ(issues(R"({"type":"object","required":["a"],"additionalProperties":false})", "{b: 1}"),
            (Messages{"v.b is not a known key", "v.a is missing"}));
  EXPECT_EQ(issues(R"({"enum":[1,2,3]})", "4"), (Messages{"v must be 1, 2 or 3, got 4"}));
  EXPECT_EQ(issues(R"({"type":"array","minItems":2})", "[1]"), (Messages{"v must have at least 2 entries"}));
  EXPECT_EQ(issues(R"({"anyOf":[{"required":["a"]},{"required":["b"]}]})", "{c: 1}"),
            (Messages{"v has none of the forms it may have: 'a' or 'b'"}));
  EXPECT_EQ(issues(R"({"not":{"const":5}})", "5"), (Messages{"v has a form it must not have"}));
}

TEST(Schema, ALongTextIsRefusedBeforeThePatternMatcherSeesIt) {
  const std::string text = "\"" + std::string(kPatternTextBytesMax + 1, 'a') + "\"";
  EXPECT_EQ(issues(R"({"pattern":"^(a|b)*$"})", text.c_str()).size(), 1u);
  EXPECT_EQ(issues(R"({"pattern":"("})", "x").size(), 1u)
      << "a pattern that is none is the component's fault, not a crash";
}

}  // namespace
}  // namespace osiris
