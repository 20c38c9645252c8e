// Wrong pipelines, and what osiris says about them: type, text, place and remedy.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class Validation : public CompileTest {
 protected:
  // The only error of `oml`, whose type must be `type`.
  Diagnostic only_error(const std::string& oml, const std::string& type) {
    const CompileResult result = compile_text(oml);
    EXPECT_FALSE(result.ok());
    const auto& errors = result.diagnostics.errors();
    EXPECT_EQ(errors.size(), 1u) << all_text(result);
    if (errors.empty()) return {};
    EXPECT_EQ(errors[0].type, type) << all_text(result);
    return errors[0];
  }
  Diagnostic only_warning(const std::string& oml, const std::string& type) {
    const CompileResult result = compile_text(oml);
    EXPECT_TRUE(result.ok()) << all_text(result);
    EXPECT_EQ(result.diagnostics.warnings().size(), 1u) << all_text(result);
    const Diagnostic* found = find(result.diagnostics.warnings(), type);
    return found ? *found : Diagnostic{};
  }
};

const char* const kRead = "  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n";
const char* const kWrite = "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n";

TEST_F(Validation, ASmallPipelineHasNothingToSay) {
  const CompileResult result = compile_text(pipeline(std::string(kRead) + kWrite));
  EXPECT_TRUE(result.ok()) << all_text(result);
  EXPECT_TRUE(result.diagnostics.warnings().empty()) << all_text(result);
}

TEST_F(Validation, AnEmptyFileIsNoPipeline) {
  const Diagnostic error = only_error("", "invalid_type");
  EXPECT_EQ(error.message, "OML must be a dictionary/object");
  EXPECT_EQ(error.hint, "the file is empty");
}

TEST_F(Validation, AFileThatIsNotYamlNamesLineAndColumn) {
  const Diagnostic error = only_error("name: [a, b\nsteps: }\n", "yaml_parse_error");
  EXPECT_GT(error.mark.line, 0);
}

TEST_F(Validation, AMissingFileSaysWhichOne) {
  const CompileResult result = compile(directory_.path() / "nowhere.yaml");
  ASSERT_EQ(result.diagnostics.errors().size(), 1u);
  EXPECT_EQ(result.diagnostics.errors()[0].type, "file_not_found");
  EXPECT_NE(result.diagnostics.errors()[0].to_text().find("nowhere.yaml"), std::string::npos);
}

TEST_F(Validation, AllErrorsAreReportedAtOnceWithTheirPlaces) {
  const CompileResult result = compile_text(
      "oml_version: 0.1\n"
      "steps:\n"
      "  - id: a\n"
      "    component: nope.x\n"
      "    mode: extract\n"
      "  - id: a\n"
      "    component: duckdb.processor\n"
      "    mode: transform\n"
      "    needs: [zzz]\n"
      "    config: {querry: x}\n");
  std::vector<std::string> found;
  for (const Diagnostic& error : result.diagnostics.errors())
    found.push_back(error.type + "@" + std::to_string(error.mark.line) + " " + error.message);
  EXPECT_EQ(found,
            (std::vector<std::string>{
                "missing_required_key@1 Missing required top-level key: 'name'",
                "invalid_version_type@1 oml_version must be a string, got float",
                "unknown_component@4 Unknown component: 'nope.x'",
                "invalid_mode@5 Invalid mode: 'extract' (must be one of: read, transform, write)",
                "duplicate_id@6 Duplicate step ID: 'a'",
                "unknown_dependency@9 Unknown dependency: 'zzz'",
                "missing_config_key@10 Missing required configuration key 'query' for component 'duckdb.processor'",
                "unknown_config_key@10 Unknown configuration key 'querry' for component 'duckdb.processor'",
            }))
      << all_text(result);
}

TEST_F(Validation, TheUnsupportedVersionIsRefusedAndALaterZeroVersionOnlyWarns) {
  const std::string steps = std::string("name: p\nsteps:\n") + kRead;
  EXPECT_EQ(only_error("oml_version: \"1.0\"\n" + steps, "unsupported_version").message,
            "Unsupported OML version: 1.0");
  EXPECT_EQ(only_warning("oml_version: \"0.2.0\"\n" + steps, "unsupported_version").message,
            "OML version '0.2.0' may not be fully supported (expected '0.1.0')");
}

TEST_F(Validation, LegacyKeysAreForbidden) {
  EXPECT_EQ(only_error(pipeline(kRead) + "tasks: []\n", "forbidden_key").message,
            "Forbidden top-level key: 'tasks' (use 'oml_version' instead of 'version')");
}

TEST_F(Validation, AnUnknownTopLevelKeyWarnsAndOffersTheNearestName) {
  const Diagnostic warning = only_warning(pipeline(kRead) + "desciption: x\n", "unknown_key");
  EXPECT_EQ(warning.message, "Unknown top-level key: 'desciption'");
  EXPECT_EQ(warning.hint, "did you mean 'description'?");
  EXPECT_EQ(warning.mark.line, 5);
}

TEST_F(Validation, DocumentedTopLevelKeysDoNotWarn) {
  const CompileResult result =
      compile_text(pipeline(kRead) + "description: d\nparams: {a: 1}\nprofiles: {}\nmetadata: {intent: x}\n");
  EXPECT_TRUE(result.ok() && result.diagnostics.warnings().empty()) << all_text(result);
}

TEST_F(Validation, AScheduleIsSaidToChangeNothing) {
  EXPECT_NE(only_warning(pipeline(kRead) + "schedule: daily\n", "unused_key").hint.find("cron"), std::string::npos);
}

TEST_F(Validation, NamesAreCheckedAndUnusualOnesWarn) {
  auto with_name = [](const std::string& name) {
    return "oml_version: \"0.1.0\"\nname: " + name + "\nsteps:\n" + kRead;
  };
  EXPECT_EQ(only_error(with_name("12"), "invalid_name_type").message, "name must be a string, got int");
  EXPECT_EQ(only_error(with_name("\"  \""), "empty_name").message, "name cannot be empty");
  EXPECT_EQ(only_warning(with_name("My Pipe"), "naming_convention").message,
            "Pipeline name 'My Pipe' doesn't follow naming convention (lowercase, hyphens)");
}

TEST_F(Validation, StepsMustBeAListWithSteps) {
  EXPECT_EQ(only_error("oml_version: \"0.1.0\"\nname: p\nsteps: {a: 1}\n", "invalid_steps_type").message,
            "steps must be a list, got dict");
  EXPECT_EQ(only_error("oml_version: \"0.1.0\"\nname: p\nsteps: []\n", "empty_steps").message,
            "Pipeline must have at least one step");
  EXPECT_EQ(only_error(pipeline("  - just text\n"), "invalid_step_type").message, "Step must be a dictionary, got str");
}

class UnsafeIds : public Validation, public ::testing::WithParamInterface<const char*> {};
TEST_P(UnsafeIds, AreRefusedBeforeAnythingIsWritten) {
  const std::string id = GetParam();
  const Diagnostic error = only_error(
      pipeline("  - {id: \"" + id + "\", component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n"),
      "unsafe_id");
  EXPECT_EQ(error.location, "steps[0].id");
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "build"));
}
INSTANTIATE_TEST_SUITE_P(Ids, UnsafeIds,
                         ::testing::Values("../../evil", "a/b", ".", "..", "", "a\\\\b", "a\\u0000b", "a\\nb",
                                           "_system",
                                           "012345678901234567890123456789012345678901234567890123456789012345678901234"
                                           "5678901234567890123456789012345678901234567890123456789"));

TEST_F(Validation, UnusualButSafeIdsAreFine) {
  std::string steps;
  for (const char* id : {"calls.2025", "Žluť", "a b", "..x", "-"})
    steps += "  - {id: \"" + std::string(id) +
             "\", component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n";
  EXPECT_TRUE(compile_text(pipeline(steps)).ok());
}

TEST_F(Validation, AnUnknownComponentOffersTheNearestOne) {
  const Diagnostic error =
      only_error(pipeline("  - {id: a, component: filesystem.csv_extracter, mode: read, config: {path: x}}\n"),
                 "unknown_component");
  EXPECT_EQ(error.hint, "did you mean 'filesystem.csv_extractor'?");
  EXPECT_EQ(error.location, "steps[0].component");
}

TEST_F(Validation, TheMockDriverLoadsOnlyWhenAskedFor) {
  const std::string oml = pipeline("  - {id: a, component: mock, mode: read, config: {rows: 3}}\n");
  EXPECT_EQ(only_error(oml, "unknown_component").message, "Unknown component: 'mock'");
  options_.allow_hidden = true;
  EXPECT_TRUE(compile_text(oml).ok());
}

TEST_F(Validation, AComponentWithoutDriverCompilesButCannotRun) {
  write("components/acme.writer/spec.yaml",
        "name: acme.writer\nversion: 1.0.0\nmodes: [write]\ncapabilities: {}\n"
        "configSchema: {type: object, properties: {}}\n");
  Diagnostics findings;
  registry_ = ComponentRegistry::load({component_dir(), directory_.path() / "components"}, findings);
  const std::string oml =
      pipeline(std::string(kRead) + "  - {id: w, component: acme.writer, mode: write, config: {}}\n");
  EXPECT_TRUE(compile_text(oml).ok());
  options_.require_drivers = true;
  EXPECT_EQ(only_error(oml, "component_without_driver").message,
            "Components missing runtime drivers: w (component: acme.writer)");
}

TEST_F(Validation, AModeTheComponentLacksNamesTheOnesItHas) {
  EXPECT_EQ(only_error(pipeline("  - {id: w, component: filesystem.csv_writer, mode: read, config: {path: x}}\n"),
                       "incompatible_mode")
                .message,
            "Step 'w': mode 'read' not supported by component 'filesystem.csv_writer'. Allowed: write");
}

TEST_F(Validation, AMissingModeIsAssumedWhereThereIsOnlyOne) {
  EXPECT_EQ(only_warning(pipeline("  - {id: a, component: filesystem.csv_extractor, config: {path: x}}\n"),
                         "missing_step_field")
                .message,
            "Step missing required field: 'mode'");
}

TEST_F(Validation, TheOlderKeysUsesAndWithStillWork) {
  const CompileResult result =
      compile_text(pipeline("  - {id: a, uses: filesystem.csv_extractor, mode: read, with: {path: x}}\n"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].cfg["path"], Json("x"));
}

TEST_F(Validation, AStepKeyThatMeantAnotherIsAnErrorAndADescribingOneAWarning) {
  auto with = [](const std::string& key) {
    return pipeline("  - {id: a, component: filesystem.csv_extractor, mode: read, " + key + ", config: {path: x}}\n");
  };
  EXPECT_EQ(only_error(with("nedes: []"), "unknown_step_key").hint, "did you mean 'needs'?");
  EXPECT_EQ(only_error(with("retries: 3"), "unknown_step_key").hint, "write retry: <attempts in all>");
  EXPECT_EQ(only_error(with("depends_on: [b]"), "unknown_step_key").hint, "write needs: [<step id>]");
  only_warning(with("notes: x"), "unknown_step_key");
}

TEST_F(Validation, StrictMakesWarningsErrors) {
  options_.strict = true;
  const CompileResult result = compile_text(pipeline(kRead) + "schedule: daily\n");
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(find(result.diagnostics.errors(), "unused_key")) << all_text(result);
  EXPECT_TRUE(result.diagnostics.warnings().empty());
}

TEST_F(Validation, AConfigKeyOnTheStepFails) {
  const CompileResult result =
      compile_text(pipeline("  - {id: a, component: duckdb.processor, mode: transform, query: SELECT 1}\n"));
  const Diagnostic* error = find(result.diagnostics.errors(), "misplaced_config_key");
  ASSERT_TRUE(error) << all_text(result);
  EXPECT_EQ(error->location, "steps[0].query");
  EXPECT_EQ(error->hint, "move it below config:");
}

TEST_F(Validation, NeedsMustBeAListOfKnownIds) {
  auto with_needs = [](const std::string& needs) {
    return pipeline(std::string(kRead) + "  - {id: save, component: filesystem.csv_writer, mode: write, needs: " +
                    needs + ", config: {path: out.csv}}\n");
  };
  const CompileResult text = compile_text(with_needs("read"));
  ASSERT_TRUE(find(text.diagnostics.errors(), "invalid_needs_type"));
  EXPECT_EQ(find(text.diagnostics.errors(), "invalid_needs_type")->message, "needs must be a list, got str");
  const CompileResult number = compile_text(with_needs("[1]"));
  ASSERT_TRUE(find(number.diagnostics.errors(), "invalid_dependency_type"));
  EXPECT_EQ(find(number.diagnostics.errors(), "invalid_dependency_type")->message,
            "Dependency must be a string, got int");
  const Diagnostic unknown = only_error(with_needs("[raed]"), "unknown_dependency");
  EXPECT_EQ(unknown.message, "Unknown dependency: 'raed'");
  EXPECT_EQ(unknown.hint, "did you mean 'read'?");
}

TEST_F(Validation, ACycleIsNamed) {
  const std::string step = ", component: duckdb.processor, mode: transform, config: {query: SELECT 1}, needs: ";
  const Diagnostic error = only_error(pipeline("  - {id: free" + step + "[]}\n  - {id: a" + step +
                                               "[free, c]}\n  - {id: b" + step + "[a]}\n  - {id: c" + step + "[b]}\n"),
                                      "dependency_cycle");
  EXPECT_EQ(error.message, "The steps form a dependency cycle: a -> c -> b -> a");
  EXPECT_EQ(error.location, "steps[1].needs");
  EXPECT_EQ(only_error(pipeline("  - {id: me" + step + "[me]}\n"), "dependency_cycle").message,
            "The steps form a dependency cycle: me -> me");
}

TEST_F(Validation, AWriterWithoutRowsIsRefused) {
  EXPECT_EQ(only_error(pipeline(kWrite), "missing_input").location, "steps[0]");
}

TEST_F(Validation, AnUnknownProfileIsRefusedAndAKnownOneIsNot) {
  options_.profile = "prdo";
  EXPECT_EQ(only_error(pipeline(kRead), "unknown_profile").hint, "did you mean 'prod'?");
  options_.profile = "prod";
  EXPECT_TRUE(compile_text(pipeline(kRead)).ok());
}

TEST_F(Validation, InlineSecretsAreRefusedWhereverTheyStand) {
  const CompileResult result =
      compile_text(pipeline("  - {id: a, component: mysql.extractor, mode: read, config: {connection: \"@mysql.shop\", "
                            "query: q, password: hunter22}}\n"
                            "  - {id: b, component: graphql.extractor, mode: read, needs: [], config: {endpoint: "
                            "\"http://u:geheim1@h/\", query: q}}\n"));
  std::vector<std::string> found;
  for (const Diagnostic& error : result.diagnostics.errors())
    if (error.type == "inline_secret") found.push_back(error.message);
  EXPECT_EQ(found, (std::vector<std::string>{"Inline secrets detected: Inline secret at steps[0].config.password",
                                             "Inline secrets detected: Inline secret at steps[1].config.endpoint"}));
  EXPECT_EQ(all_text(result).find("hunter22"), std::string::npos);
  EXPECT_EQ(all_text(result).find("geheim1"), std::string::npos);
}

TEST_F(Validation, AVariableInPlaceOfASecretIsRefusedToo) {
  const CompileResult result =
      compile_text(pipeline("  - {id: a, component: graphql.extractor, mode: read, config: {endpoint: \"http://h/\", "
                            "query: q, auth_token: \"${TOKEN}\"}}\n"));
  EXPECT_TRUE(find(result.diagnostics.errors(), "inline_secret")) << all_text(result);
}

TEST_F(Validation, ErrorsBecomeJsonAndText) {
  const Diagnostic error = only_error(pipeline("  - {id: a, component: nope, mode: read}\n"), "unknown_component");
  const Json json = error.to_json([](std::string_view) { return std::string("masked"); });
  EXPECT_EQ(json["line"], Json(4));
  EXPECT_EQ(json["location"], Json("steps[0].component"));
  EXPECT_EQ(json["source_line"], Json("masked"));
  EXPECT_NE(error.to_text().find("pipeline.yaml:4:24: error: Unknown component: 'nope' [steps[0].component]"),
            std::string::npos)
      << error.to_text();
}

}  // namespace
}  // namespace osiris
