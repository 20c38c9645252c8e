// What a run is told: inputs, files, connections, hosts; and the order steps run in.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class Plan : public CompileTest {
 protected:
  AdapterInputs plan(const std::string& steps) {
    options_.connections = ConnectionCheck::kResolves;
    result_ = compile_text(pipeline(steps));
    EXPECT_TRUE(result_.ok()) << all_text(result_);
    if (!result_.ok()) return {};
    auto planned = make_adapter_inputs(*result_.pipeline, inputs(), {directory_.path(), {"TOKEN"}});
    EXPECT_TRUE(planned.ok()) << planned.error().message;
    return planned.ok() ? *std::move(planned) : AdapterInputs{};
  }
  static std::vector<std::string> ids(const AdapterInputs& plan) {
    std::vector<std::string> out;
    for (const PlanStep& step : plan.plan.steps) out.push_back(step.id);
    return out;
  }
  static Json step(const AdapterInputs& plan, size_t index) { return to_json(plan.plan.steps.at(index)); }
  static std::vector<std::string> input_names(const PlanStep& step) {
    std::vector<std::string> names;
    for (const PlanInput& input : step.inputs) names.push_back(input.name);
    return names;
  }

  static std::string csv(const std::string& id, const std::string& extra = "") {
    return "  - {id: " + id + ", component: filesystem.csv_extractor, mode: read, config: {path: " + id + ".csv}" +
           extra + "}\n";
  }
  static std::string sql(const std::string& id, const std::string& extra = "") {
    return "  - {id: \"" + id + "\", component: duckdb.processor, mode: transform, config: {query: SELECT 1}" + extra +
           "}\n";
  }
  static std::string save(const std::string& id, const std::string& extra = "") {
    return "  - {id: " + id + ", component: filesystem.csv_writer, mode: write, config: {path: out/" + id + ".csv}" +
           extra + "}\n";
  }

  CompileResult result_;
};

TEST_F(Plan, AForwardNeedIsOrderedAndOtherwiseTheFilesOrderStays) {
  EXPECT_EQ(ids(plan(sql("late", ", needs: [b]") + csv("a", ", needs: []") + csv("b", ", needs: []") +
                     sql("c", ", needs: [a]"))),
            (std::vector<std::string>{"a", "b", "late", "c"}));
}

TEST_F(Plan, WithoutNeedsEachStepFollowsTheOneBefore) {
  const AdapterInputs planned = plan(csv("a") + sql("b") + save("c"));
  EXPECT_EQ(step(planned, 1)["needs"], Json::array({"a"}));
  EXPECT_EQ(step(planned, 2)["inputs"], Json::object({{"df_b", Json::object({{"from_step", "b"}})}}));
}

TEST_F(Plan, EmptyNeedsMeanNone) {
  const AdapterInputs planned = plan(csv("a") + csv("b", ", needs: []"));
  EXPECT_EQ(step(planned, 1)["needs"], Json::array());
}

// The file the predecessor's guides teach: with the chain rule the first writer stored the second reader's rows.
class Dialects : public Plan, public ::testing::WithParamInterface<const char*> {};
TEST_P(Dialects, InputsNameTheStepWhoseRowsAreWritten) {
  const std::string reference = GetParam();
  auto input = [&](const std::string& id) {
    std::string text = reference;
    text.replace(text.find("ID"), 2, id);
    return ", inputs: {df: \"" + text + "\"}";
  };
  const AdapterInputs planned = plan(csv("read_a") + csv("read_b", ", needs: []") + save("save_a", input("read_a")) +
                                     save("save_b", input("read_b")));
  EXPECT_EQ(step(planned, 2)["inputs"], Json::object({{"df_read_a", Json::object({{"from_step", "read_a"}})}}));
  EXPECT_EQ(step(planned, 3)["inputs"], Json::object({{"df_read_b", Json::object({{"from_step", "read_b"}})}}));
}
INSTANTIATE_TEST_SUITE_P(Forms, Dialects, ::testing::Values("${ID.df}", "@ID", "ID", "@ID.df", "${ID}"));

TEST_F(Plan, InputsAndNeedsAreUnitedAndInputsComeFirst) {
  const AdapterInputs planned =
      plan(csv("a") + csv("b", ", needs: []") + save("w", ", needs: [b, a], inputs: {df: \"${a.df}\"}"));
  EXPECT_EQ(step(planned, 2)["needs"], Json::array({"a", "b"}));
  EXPECT_EQ(input_names(planned.plan.steps[2]), (std::vector<std::string>{"df_a", "df_b"}));
  EXPECT_TRUE(find(result_.diagnostics.warnings(), "extra_inputs"));
}

TEST_F(Plan, AnUnknownInputIsRefused) {
  const CompileResult result = compile_text(pipeline(csv("a") + save("w", ", inputs: {df: \"${nobody.df}\"}")));
  const Diagnostic* error = find(result.diagnostics.errors(), "unknown_dependency");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->location, "steps[1].inputs.df");
}

TEST_F(Plan, AnIdWithDotsIsFoundInAnInputReference) {
  const AdapterInputs planned = plan(csv("calls.2025") + save("w", ", inputs: {df: \"${calls.2025.df}\"}"));
  EXPECT_TRUE(step(planned, 1)["inputs"].contains("df_calls_2025"));
}

TEST_F(Plan, AStepAfterAWriterGetsNoRelationFromIt) {
  const AdapterInputs planned = plan(csv("a") + save("w") + sql("after"));
  EXPECT_EQ(step(planned, 2)["needs"], Json::array({"w"}));
  EXPECT_EQ(step(planned, 2)["inputs"], Json::object());
}

TEST_F(Plan, NamesThatCollapseAreToldApart) {
  const AdapterInputs planned = plan(csv("a-b") + csv("a.b", ", needs: []") + sql("c", ", needs: [a-b, a.b]"));
  const Json inputs = step(planned, 2)["inputs"];
  EXPECT_EQ(inputs.size(), 2u);
  for (const auto& [name, input] : inputs.members()) EXPECT_EQ(name.substr(0, 7), "df_a_b_") << name;
}

TEST_F(Plan, FilesAreNamedAsWrittenAndAbsolutely) {
  const AdapterInputs planned =
      plan(csv("a") + "  - {id: w, component: filesystem.csv_writer, mode: write, config: {path: ../up/./x.csv}}\n");
  EXPECT_EQ(step(planned, 0)["input_files"],
            Json::array({Json::object({{"path", "a.csv"}, {"source", (directory_.path() / "a.csv").string()}})}));
  EXPECT_EQ(step(planned, 1)["outputs"],
            Json::array({Json::object(
                {{"path", "../up/./x.csv"}, {"target", (directory_.path().parent_path() / "up/x.csv").string()}})}));
}

TEST_F(Plan, BaseDirOfAFilesystemConnectionIsWherePathsStart) {
  use_connections("connections: {filesystem: {drop: {base_dir: ./data}, abs: {base_dir: /srv/drop}}}\n");
  const AdapterInputs planned = plan(
      "  - {id: r, component: filesystem.csv_extractor, mode: read, config: {connection: \"@filesystem.drop\", path: "
      "x.csv}}\n"
      "  - {id: w, component: filesystem.csv_writer, mode: write, config: {connection: \"@filesystem.abs\", path: "
      "out/x.csv}}\n");
  EXPECT_EQ(planned.plan.steps[0].input_files[0].location, directory_.path() / "data/x.csv");
  EXPECT_EQ(planned.plan.steps[1].outputs[0].location, "/srv/drop/out/x.csv");
  EXPECT_EQ(result_.pipeline->steps[0].cfg["path"], Json("x.csv"));
  EXPECT_EQ(planned.connections_json["connections"]["@filesystem.drop"]["fields"]["base_dir"], Json("./data"));
}

TEST_F(Plan, SecretsTravelByNameAndFieldsByValue) {
  environment_.set("DB_PORT", "3307");
  environment_.set("SHOP_PASSWORD", "canary-pa55word");
  use_connections(
      "connections: {mysql: {shop: {default: true, host: \"${DB_HOST:-db.local}\", port: \"${DB_PORT}\", database: d, "
      "username: u, password: \"${SHOP_PASSWORD}\"}}}\n");
  const AdapterInputs planned = plan("  - {id: a, component: mysql.extractor, mode: read, config: {query: q}}\n");
  EXPECT_EQ(planned.connections_json.dump_canonical(),
            Json::object(
                {{"connections",
                  Json::object(
                      {{"@mysql.shop",
                        Json::object(
                            {{"family", "mysql"},
                             {"alias", "shop"},
                             {"fields",
                              Json::object({{"host", "db.local"}, {"port", 3307}, {"database", "d"}, {"user", "u"}})},
                             {"secrets", Json::object({{"password", "connection/mysql.shop/password"}})}})}})},
                 {"env", Json::array({"TOKEN"})},
                 {"secret_names", Json::array({"connection/mysql.shop/password", "env/TOKEN"})}})
                .dump_canonical());
  EXPECT_EQ(step(planned, 0)["connection"], Json("@mysql.shop"));
  EXPECT_EQ(planned.hosts, (std::vector<std::string>{"db.local:3307"}));
  EXPECT_EQ(connections_.secret_value("connection/mysql.shop/password")->view(), "canary-pa55word");
  for (const Json& document : {to_json(planned.plan), planned.connections_json})
    EXPECT_EQ(document.dump().find("canary"), std::string::npos);
}

TEST_F(Plan, AnAllowedOverrideGetsAnEntryOfItsOwnAndSurvivesTheManifest) {
  use_connections("connections: {mysql: {shop: {host: db.local, port: 1, database: d, user: u, password: secret1}}}\n");
  const AdapterInputs planned = plan(
      "  - {id: a, component: mysql.extractor, mode: read, config: {connection: \"@mysql.shop\", query: q, host: "
      "localhost}}\n"
      "  - {id: b, component: mysql.extractor, mode: read, config: {connection: \"@mysql.shop\", query: q}}\n");
  const Json& connections = planned.connections_json["connections"];
  EXPECT_EQ(connections["@mysql.shop#a"]["fields"]["host"], Json("localhost"));
  EXPECT_EQ(connections["@mysql.shop"]["fields"]["host"], Json("db.local"));
  ASSERT_TRUE(write_build(*result_.pipeline, project_).ok());
  options_.file = result_.pipeline->compiled_dir / "manifest.yaml";
  const CompileResult loaded = compile_or_load(options_, inputs());
  ASSERT_TRUE(loaded.ok()) << all_text(loaded);
  EXPECT_EQ(loaded.pipeline->steps[0].overrides, (std::vector<std::string>{"host"}));
  EXPECT_TRUE(loaded.pipeline->steps[1].overrides.empty());
}

TEST_F(Plan, HostsOfUrlsAreShown) {
  const AdapterInputs planned = plan(
      "  - {id: a, component: graphql.extractor, mode: read, config: {query: q, endpoint: "
      "\"http://127.0.0.1:18099/graphql\"}}\n"
      "  - {id: b, component: graphql.extractor, mode: read, config: {query: q, endpoint: "
      "\"https://api.example.org/graphql\"}}\n");
  EXPECT_EQ(planned.hosts, (std::vector<std::string>{"127.0.0.1:18099", "api.example.org:443"}));
}

TEST_F(Plan, TimeoutAndRetryReachTheDocument) {
  const AdapterInputs planned = plan(csv("a", ", timeout: 2m, retry: 3"));
  EXPECT_EQ(step(planned, 0)["timeout_s"], Json(120.0));
  EXPECT_EQ(step(planned, 0)["retry"], Json::object({{"max_attempts", 3}, {"delay_s", 1.0}}));
}

}  // namespace
}  // namespace osiris
