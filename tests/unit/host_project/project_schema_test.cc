// The schema of osiris.yaml, beside the code that reads it.
#include "host/project/project_schema.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <regex>

#include "host/project/project.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

// The schema that `schema` is, or refers to.
const Json& resolved(const Json& schema, const Json& root) {
  const std::string& reference = schema["$ref"].as_string();
  constexpr std::string_view kDefinitions = "#/definitions/";
  return reference.empty() ? schema : root["definitions"][reference.substr(kDefinitions.size())];
}

// One value that the schema takes, as YAML in one line.
std::string value_for(const Json& schema, const Json& root) {
  if (const Json* value = schema.find("default")) return value->dump();
  const Json& one = resolved(schema, root);
  if (one["enum"].size() > 0) return one["enum"].items().front().dump();
  if (one["anyOf"].size() > 0) return value_for(one["anyOf"].items().back(), root);
  const Json& types = one["type"];
  const std::string type = types.is_array() ? types.items().front().as_string() : types.as_string();
  if (type == "object") {
    if (!one["properties"].is_object()) return "{a: b}";
    std::string text;
    for (const auto& [key, property] : one["properties"].members())
      if (key != "webhook" && key != "headers" && key != "shell")
        text += (text.empty() ? "{" : ", ") + key + ": " + value_for(property, root);
    return text + "}";
  }
  if (type == "array") return "[" + value_for(one["items"], root) + "]";
  if (type == "integer") return one["minimum"].is_null() ? "1000000" : one["minimum"].dump();
  if (type == "boolean") return "true";
  return one["pattern"].is_null() ? "word" : "http://127.0.0.1:4318";
}

TEST(ProjectSchema, NamesEveryKeyThatIsRead) {
  const std::string schema = project_json_schema().dump();
  const std::regex word("\"([a-z][a-z_0-9]*)\"");
  size_t words = 0;
  for (const char* file : {"project.cc", "telemetry_config.cc", "hook.cc"}) {
    const auto source = read_file(std::filesystem::path(std::getenv("OSIRIS_SOURCE_DIR")) / "host/project" / file);
    ASSERT_TRUE(source.ok()) << file;
    for (std::sregex_iterator at(source->begin(), source->end(), word), end; at != end; ++at, ++words)
      EXPECT_NE(schema.find(at->str()), std::string::npos) << file << ": " << at->str();
  }
  EXPECT_GT(words, 60u);
}

// docs/project-file.md names every key.
TEST(ProjectSchema, HasAPage) {
  const auto page = read_file(std::filesystem::path(std::getenv("OSIRIS_SOURCE_DIR")) / "docs/project-file.md");
  ASSERT_TRUE(page.ok());
  const std::function<void(const Json&)> look = [&](const Json& schema) {
    for (const auto& [key, property] : schema["properties"].members()) {
      EXPECT_NE(page->find(key), std::string::npos) << key;
      look(property);
    }
  };
  look(project_json_schema());
}

TEST(ProjectSchema, TakesNoKeyAndNoValueThatIsNotRead) {
  const Json schema = project_json_schema();
  const auto directory = TemporaryDirectory::make();
  ASSERT_TRUE(directory.ok());
  std::string text;
  for (const auto& [key, property] : schema["properties"].members())
    text += key + ": " + (key == "adapters" ? "{local: {grace: 2}}" : value_for(property, schema)) + "\n";
  std::ofstream(directory->path() / "osiris.yaml") << text;
  Diagnostics findings;
  (void)Project::load(ProjectPlace(directory->path()), Environment(), findings);
  for (const Diagnostic& error : findings.errors()) ADD_FAILURE() << error.message << " in\n" << text;
  for (const Diagnostic& warning : findings.warnings()) EXPECT_EQ(warning.type, "ignored_key") << warning.message;
}

}  // namespace
}  // namespace osiris
