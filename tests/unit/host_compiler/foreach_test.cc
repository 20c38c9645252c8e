// `foreach` and `per_shard`: what compiling refuses, and what the manifest and the plan say.
#include <gmock/gmock.h>

#include "host/compiler/json_schema.h"
#include "host/compiler/shard_list.h"
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ForEach : public CompileTest {
 protected:
  static std::string reader(const std::string& foreach, const std::string& config = "path: \"${shard.value}\"",
                            const std::string& id = "read") {
    return "  - {id: " + id + ", component: filesystem.csv_extractor, mode: read, needs: [], foreach: " + foreach +
           ", config: {" + config + "}}\n";
  }
  static std::string query(const std::string& sql, const std::string& extra = "per_shard: true",
                           const std::string& needs = "read") {
    return "  - {id: ask, component: duckdb.processor, mode: transform, needs: [" + needs + "], " + extra +
           ", config: {query: \"" + sql + "\"}}\n";
  }
  static std::string writer(const std::string& path, const std::string& extra = "per_shard: true") {
    return "  - {id: save, component: filesystem.csv_writer, mode: write, " + extra + ", config: {path: \"" + path +
           "\"}}\n";
  }
  CompileResult with(const std::string& steps) { return compile_text(pipeline(steps)); }

  std::string refused(const std::string& steps, const std::string& type = "invalid_foreach") {
    const CompileResult result = with(steps);
    const Diagnostic* error = find(result.diagnostics.errors(), type);
    EXPECT_TRUE(error) << steps << all_text(result);
    EXPECT_TRUE(!error || error->mark.line > 3) << steps;
    return error ? error->message : "";
  }
  Result<AdapterInputs> planned(const std::string& steps) {
    const CompileResult result = with(steps);
    EXPECT_TRUE(result.ok()) << all_text(result);
    if (!result.ok()) return Error(Code::kInternal, "does not compile");
    AdapterInputOptions options;
    options.work_dir = directory_.path();
    return make_adapter_inputs(*result.pipeline, inputs(), options);
  }
  std::string plan_error(const std::string& steps) {
    const auto made = planned(steps);
    EXPECT_FALSE(made.ok()) << steps;
    return made.ok() ? "" : made.error().message;
  }
};

TEST_F(ForEach, TheManifestHoldsTheRuleAndThePlanTheList) {
  write("in/b 2.csv", "id\n2\n");
  write("in/a.csv.gz", "");
  const std::string steps = reader("{files: \"in/*\", max_parallel: 2}") + query("SELECT $shard AS f FROM df_read") +
                            writer("out/${shard.index}-${shard.stem}.csv");
  const CompileResult result = with(steps);
  ASSERT_TRUE(result.ok()) << all_text(result);
  const Json& entries = result.pipeline->manifest["steps"];
  EXPECT_EQ(entries.items()[0]["foreach"], *parse_json(R"({"files":"in/*","max_parallel":2})"));
  EXPECT_FALSE(entries.items()[0].contains("per_shard"));
  EXPECT_EQ(entries.items()[1]["per_shard"], Json(true));

  const auto made = planned(steps);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto& plan = made->plan.steps;
  ASSERT_TRUE(plan[0].shards && plan[1].shards && plan[2].shards);
  ASSERT_EQ(plan[0].shards->list.size(), 2u);
  EXPECT_EQ(plan[0].shards->list[0].text, "in/a.csv.gz");
  EXPECT_EQ(plan[0].shards->list[0].stem, "a");
  EXPECT_EQ(plan[0].shards->parallel_max, 2u);
  EXPECT_EQ(plan[0].input_files[1].path, "in/b 2.csv");
  EXPECT_EQ(plan[0].input_files[1].size_bytes, 5u);
  EXPECT_NE(plan[0].input_files[1].modified_ns, 0);
  EXPECT_TRUE(plan[1].shards->binds_value && plan[1].shards->per_shard && plan[1].inputs[0].in_shards);
  EXPECT_EQ(plan[1].shards->list, plan[0].shards->list);
  EXPECT_EQ(plan[1].shards->parallel_max, 2u);
  ASSERT_EQ(plan[2].outputs.size(), 2u);
  EXPECT_EQ(plan[2].outputs[0].path, "out/0-a.csv");
  EXPECT_EQ(plan[2].outputs[1].location, (directory_.path() / "out/1-b 2.csv").string());

  const Json document = shards_document(made->plan);
  ASSERT_EQ(document["lists"].size(), 1u);
  EXPECT_EQ(document["lists"].items()[0]["steps"], *parse_json(R"(["read","ask","save"])"));
  EXPECT_EQ(document["lists"].items()[0]["shards"].items()[1]["size_bytes"], Json(5));
}

TEST_F(ForEach, WhetherTheOthersGoOnIsOfAllStepsOfTheList) {
  write("in/a.csv", "id\n1\n");
  const std::string after = query("SELECT $shard AS f FROM df_read") + writer("out/${shard.stem}.csv");
  const std::string goes_on = reader("{files: \"in/*.csv\", on_failure: continue}") + after;
  const CompileResult result = with(goes_on);
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->manifest["steps"].items()[0]["foreach"],
            *parse_json(R"({"files":"in/*.csv","on_failure":"continue"})"));
  const auto made = planned(goes_on);
  ASSERT_TRUE(made.ok()) << made.error().message;
  for (const PlanStep& step : made->plan.steps) {
    EXPECT_TRUE(step.shards->goes_on) << step.id;
    EXPECT_TRUE(step_shards_from_json(to_json(*step.shards))->goes_on) << step.id;
  }
  const std::string stops = reader("{files: \"in/*.csv\", on_failure: stop}") + after;
  const CompileResult plain = with(reader("{files: \"in/*.csv\"}") + after), stopping = with(stops);
  ASSERT_TRUE(plain.ok() && stopping.ok());
  EXPECT_EQ(stopping.pipeline->manifest["steps"], plain.pipeline->manifest["steps"]) << "so it is without the key";
  EXPECT_FALSE(planned(stops)->plan.steps[0].shards->goes_on);
  EXPECT_THAT(plan_error(goes_on + reader("{files: \"in/*.csv\"}", "path: \"${shard.value}\"", "other")),
              HasSubstr("another on_failure"));
}

TEST_F(ForEach, AManifestRunsAsItsPipelineDoes) {
  write("in/a.csv", "id\n1\n");
  CompileResult result = with(reader("{files: \"in/*.csv\"}") + writer("out/${shard.stem}.csv"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  ASSERT_TRUE(write_build(*result.pipeline, project_).ok());
  options_.file = result.pipeline->compiled_dir / "manifest.yaml";
  const CompileResult loaded = compile_or_load(options_, inputs());
  ASSERT_TRUE(loaded.ok()) << all_text(loaded);
  EXPECT_EQ(loaded.pipeline->steps[0].foreach->rule, result.pipeline->steps[0].foreach->rule);
  EXPECT_TRUE(loaded.pipeline->steps[1].per_shard);
  EXPECT_EQ(loaded.pipeline->manifest_hash, result.pipeline->manifest_hash);
}

TEST_F(ForEach, WithoutItNothingIsSaidOfShards) {
  const CompileResult result =
      with("  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: a.csv}}\n" +
           writer("out/${shard.stem}.csv", "materialize: false"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->manifest.dump().find("per_shard"), std::string::npos);
  EXPECT_TRUE(find(result.diagnostics.warnings(), "unknown_placeholder")) << "as it always was";
  EXPECT_TRUE(shards_document({}).is_null());
}

TEST_F(ForEach, AParameterMayGiveThePattern) {
  write("in/a.csv", "id\n1\n");
  options_.params = {{"glob", "in/*.csv"}};
  const auto file = write("p.yaml", "oml_version: \"0.1.0\"\nname: p\nparams: {glob: {type: string}}\nsteps:\n" +
                                        reader("{files: \"${params.glob}\"}"));
  const CompileResult result = compile(file);
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].foreach->rule["files"], Json("in/*.csv"));
}

TEST_F(ForEach, ARuleThatIsNoneIsRefusedAtItsPlace) {
  EXPECT_THAT(refused(reader("in/*.csv")), HasSubstr("must be a mapping"));
  EXPECT_THAT(refused(reader("{}")), HasSubstr("one of files, values, range and split"));
  EXPECT_THAT(refused(reader("{files: a, values: [b]}")), HasSubstr("one of files, values, range and split"));
  EXPECT_THAT(refused(reader("{file: \"*.csv\"}")), HasSubstr("'file' is no key"));
  EXPECT_THAT(refused(reader("{files: \"\"}")), HasSubstr("pattern of file names"));
  EXPECT_THAT(refused(reader("{files: \"s3://b/*.csv\"}")), HasSubstr("is an address"));
  EXPECT_THAT(refused(reader("{files: \"*\", max_parallel: 0}")), HasSubstr("from 1 to 64"));
  EXPECT_THAT(refused(reader("{files: \"*\", allow_empty: 1}")), HasSubstr("true or false"));
  EXPECT_THAT(refused(reader("{files: \"*\", on_failure: ignore}")), HasSubstr("stop or continue"));
  EXPECT_THAT(refused(reader("{values: []}")), HasSubstr("no value"));
  EXPECT_THAT(refused(reader("{values: a}")), HasSubstr("must be a list"));
  EXPECT_THAT(refused(reader("{values: [a, [b]]}")), HasSubstr("text or a number"));
  EXPECT_THAT(refused(reader("{values: [true]}")), HasSubstr("text or a number"));
  EXPECT_THAT(refused(reader("{values: [a, b, a]}")), HasSubstr("'a' twice"));
  EXPECT_THAT(refused(reader("{range: {from: 1}}")), HasSubstr("no 'to'"));
  EXPECT_THAT(refused(reader("{range: {from: 1, to: 2, step: 1}}")), HasSubstr("'step' is no key of range"));
  EXPECT_THAT(refused(reader("{range: {from: 1, to: 1}}")), HasSubstr("no value"));
  EXPECT_THAT(refused(reader("{range: {from: 0, to: 100001}}")), HasSubstr("more than 100000"));
  EXPECT_THAT(refused(reader("{files: \"*\"}") + writer("a.csv", "per_shard: 1"), "invalid_per_shard"),
              HasSubstr("true or false"));
}

TEST_F(ForEach, WhereItMayStandIsJudgedWithThePipeline) {
  const std::string files = reader("{files: \"*.csv\"}");
  EXPECT_THAT(refused(reader("{files: \"*.csv\"}", "path: a.csv")), HasSubstr("does not read the files"));
  EXPECT_THAT(refused(reader("{values: [a, b]}", "path: a.csv")), HasSubstr("the same for each shard"));
  EXPECT_THAT(refused(reader("{files: \"*.csv\"}", "path: \"${shard.value}\", limit: 5")), HasSubstr("has a limit"));
  EXPECT_THAT(refused(reader("{files: \"*.csv\", allow_empty: true}")), HasSubstr("needs to know the columns"));
  EXPECT_THAT(refused(files + query("SELECT 1", "foreach: {values: [a]}")), HasSubstr("does not read"));
  EXPECT_THAT(refused("  - {id: read, component: sqlite.extractor, mode: read, foreach: {files: \"*.db\"}, config: "
                      "{path: \"${shard.value}\", table: t, incremental: {column: id, key: [id]}}}\n"),
              HasSubstr("goes on from its last run"));
  EXPECT_THAT(refused(reader("{files: \"*\"}", "path: \"${shard.name}\""), "invalid_shard_text"),
              HasSubstr("${shard.name}"));
  EXPECT_THAT(refused(files + query("SELECT '${shard.value}'"), "invalid_shard_text"), HasSubstr("not pasted"));
  EXPECT_THAT(refused(files + query("SELECT $shard", "materialize: false"), "missing_sql_value"), HasSubstr("$shard"));
}

TEST_F(ForEach, StepsAfterItArePairedOrRefused) {
  const std::string a = reader("{files: \"a/*\"}"),
                    same = reader("{files: \"a/*\"}", "path: \"${shard.value}\"", "two");
  const std::string other = reader("{files: \"b/*\"}", "path: \"${shard.value}\"", "two");
  const std::string plain =
      "  - {id: two, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: x}}\n";
  const auto both = [](const std::string& extra) { return query("SELECT * FROM df_read, df_two", extra, "read, two"); };
  EXPECT_TRUE(with(a + same + both("per_shard: true")).ok());
  EXPECT_TRUE(with(a + plain + both("per_shard: true")).ok());
  EXPECT_TRUE(with(a + other + both("materialize: false")).ok()) << "the union of both";
  EXPECT_THAT(refused(a + other + both("per_shard: true"), "invalid_per_shard"), HasSubstr("different shards"));
  EXPECT_THAT(refused(plain + query("SELECT * FROM df_two", "per_shard: true", "two"), "invalid_per_shard"),
              HasSubstr("no step it needs has shards"));
  EXPECT_THAT(
      refused(a + query("SELECT 1 AS n", "materialize: false") + writer("${shard.stem}.csv"), "invalid_per_shard"),
      HasSubstr("no step it needs has shards"));
  EXPECT_THAT(refused(a + writer("out.csv"), "invalid_per_shard"), HasSubstr("all shards to one file"));
  EXPECT_TRUE(with(a + writer("out.csv", "materialize: false")).ok());
  const std::string table =
      "  - {id: save, component: duckdb.writer, mode: write, per_shard: true, config: {path: x.db, "
      "table: t}}\n";
  EXPECT_THAT(refused(a + table, "invalid_per_shard"), HasSubstr("write twice"));
}

TEST_F(ForEach, SqlThatMeansAnotherThingPerShardIsAWarning) {
  const auto warning = [&](const std::string& sql) {
    const CompileResult result = with(reader("{files: \"*.csv\"}") + query(sql));
    EXPECT_TRUE(result.ok()) << all_text(result);
    const Diagnostic* found = find(result.diagnostics.warnings(), "per_shard_sql");
    return found ? found->message : "";
  };
  EXPECT_THAT(warning("SELECT count (*) FROM df_read"), HasSubstr("aggregates"));
  EXPECT_THAT(warning("SELECT a FROM df_read group  by a"), HasSubstr("aggregates"));
  EXPECT_THAT(warning("SELECT * FROM df_read ORDER BY a LIMIT 3"), HasSubstr("sorts, limits"));
  EXPECT_THAT(warning("SELECT DISTINCT a FROM df_read"), HasSubstr("removes duplicates"));
  EXPECT_THAT(warning("SELECT row_number() OVER () FROM df_read"), HasSubstr("uses a window"));
  EXPECT_EQ(warning("SELECT a, 'order by' AS limits, sum_x, -- limit\\n count FROM df_read"), "");
}

TEST_F(ForEach, AValueThatCannotStandInAPathIsRefusedBeforeTheRun) {
  const auto values = [&](const std::string& value, const std::string& path) {
    return plan_error(reader("{values: [ok, " + value + "]}", "path: \"in/${shard.index}.csv\"") + writer(path));
  };
  for (const char* value : {"a/b", "\"..\"", "\"a..b\"", "\".\"", "\"\"", "\"a\\nb\"", "\"\\x7f\""})
    EXPECT_THAT(values(value, "out/${shard.value}.csv"), HasSubstr("cannot stand in the path")) << value;
  write("in/a.csv", "id\n1\n");
  EXPECT_THAT(plan_error(reader("{files: \"in/*.csv\"}") + writer("out/${shard.value}")), HasSubstr("has a '/'"));
  EXPECT_THAT(plan_error(reader("{values: [a/b]}", "path: \"in/${shard.value}.csv\"")), HasSubstr("has a '/'"));
}

TEST_F(ForEach, TwoShardsWithOnePathAreRefusedBeforeTheRun) {
  write("in/x/a.csv", "id\n1\n");
  write("in/y/a.csv", "id\n1\n");
  EXPECT_THAT(plan_error(reader("{files: \"in/*/*.csv\"}") + writer("out/${shard.stem}.csv")),
              HasSubstr("shard 0 (in/x/a.csv) and shard 1 (in/y/a.csv) write one file: out/a.csv"));
  EXPECT_THAT(plan_error(reader("{files: \"in/*/*.csv\"}") + writer("in/x/${shard.stem}${shard.index}.csv") +
                         "  - {id: again, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: "
                         "in/x/a0.csv}}\n"),
              HasSubstr("write the same file"));
  EXPECT_THAT(plan_error(reader("{files: \"in/x/*.csv\"}") + writer("in/x/${shard.stem}.csv")),
              HasSubstr("writes the file that step 'read' reads"));
}

TEST_F(ForEach, FilesAreListedByBytesAndEachOnce) {
  EXPECT_THAT(plan_error(reader("{files: \"in/*.csv\"}")), HasSubstr("no file matches 'in/*.csv'"));
  for (const char* name : {"b", "a", "B", "a b", "a-1"}) write(std::string("in/") + name + ".csv", "id\n");
  const auto made = planned(reader("{files: \"in/*.csv\"}"));
  ASSERT_TRUE(made.ok()) << made.error().message;
  std::vector<std::string> names;
  for (const Shard& shard : made->plan.steps[0].shards->list) names.push_back(shard.stem);
  EXPECT_THAT(names, ElementsAre("B", "a b", "a-1", "a", "b"));
  std::filesystem::create_symlink(directory_.path() / "in/a.csv", directory_.path() / "in/z.csv");
  EXPECT_THAT(plan_error(reader("{files: \"in/*.csv\"}")),
              HasSubstr("'in/a.csv' and 'in/z.csv' of foreach are one file"));
  std::filesystem::remove(directory_.path() / "in/z.csv");
  write("in/new\nline.csv", "id\n");
  EXPECT_THAT(plan_error(reader("{files: \"in/*.csv\"}")), HasSubstr("control character"));
}

TEST_F(ForEach, NoFileIsNoErrorWhereThatIsSaidAndTheTypesAreDeclared) {
  const auto made = planned(reader("{files: \"in/*.csv\", allow_empty: true}",
                                   "path: \"${shard.value}\", columns: [id], dtype: {id: int64}"));
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_TRUE(made->plan.steps[0].shards->list.empty());
}

TEST_F(ForEach, AnotherToolsWordForItIsNamed) {
  const CompileResult result = with(
      "  - {id: r, component: filesystem.csv_extractor, mode: read, for_each: 1, config: "
      "{path: a.csv}}\n");
  const Diagnostic* error = find(result.diagnostics.errors(), "unknown_step_key");
  ASSERT_TRUE(error);
  EXPECT_THAT(error->hint, HasSubstr("write foreach:"));
}

}  // namespace
}  // namespace osiris
