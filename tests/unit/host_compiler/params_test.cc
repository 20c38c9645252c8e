#include "host/compiler/params.h"

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class Params : public CompileTest {
 protected:
  // A pipeline with these params and this config of a csv extractor.
  CompileResult with(const std::string& params, const std::string& config) {
    return compile_text("oml_version: \"0.1.0\"\nname: p\nparams: " + params +
                        "\nprofiles: {prod: {params: {n: 30}}}\nsteps:\n"
                        "  - {id: s, component: filesystem.csv_extractor, mode: read, config: " +
                        config + "}\n");
  }
  std::string path_of(const CompileResult& result) {
    EXPECT_TRUE(result.ok()) << all_text(result);
    return result.ok() ? result.pipeline->steps[0].cfg["path"].as_string() : "";
  }
};

TEST_F(Params, LaterSourcesWin) {
  const std::string config = "{path: \"x-${params.n}\"}";
  EXPECT_EQ(path_of(with("{n: 10}", config)), "x-10");
  environment_.set("OSIRIS_PARAM_N", "20");
  EXPECT_EQ(path_of(with("{n: 10}", config)), "x-20");
  options_.profile = "prod";
  EXPECT_EQ(path_of(with("{n: 10}", config)), "x-30");
  options_.params = {{"n", "40"}};
  EXPECT_EQ(path_of(with("{n: 10}", config)), "x-40");
}

TEST_F(Params, AWholeValueKeepsItsType) {
  options_.params = {{"n", "7"}};
  const CompileResult result =
      with("{n: 10, cols: [a, b], h: {type: boolean, default: false}}",
           "{path: x, limit: \"${params.n}\", columns: \"${params.cols}\", header: \"${params.h}\"}");
  ASSERT_TRUE(result.ok()) << all_text(result);
  const Json& cfg = result.pipeline->steps[0].cfg;
  EXPECT_EQ(cfg["limit"], Json(7));
  EXPECT_EQ(cfg["columns"], Json::array({"a", "b"}));
  EXPECT_EQ(cfg["header"], Json(false));
}

TEST_F(Params, InsideTextValuesLookAsPythonWritesThem) {
  EXPECT_EQ(path_of(with("{a: true, b: null, c: 1.0, d: 2025-01-01, e: 1e3}",
                         "{path: \"${params.a}|${params.b}|${params.c}|${params.d}|${params.e}\"}")),
            "True|None|1.0|2025-01-01|1e3");
}

TEST_F(Params, MayAddSixtyFourMebibytesAndNotAByteMore) {
  const std::map<std::string, std::string> no_flags;
  const auto errors = [&](const std::string& more) {
    std::string text;
    for (int i = 0; i < 64; ++i) text += "${params.mebibyte}";
    Diagnostics diagnostics;
    YamlNode root = parse_yaml(
        "params: {mebibyte: " + std::string(1 << 20, 'x') + ", byte: y}\ntext: \"" + text + more + "\"\n", diagnostics);
    resolve_params(root, {environment_, "", no_flags}, diagnostics);
    std::string all;
    for (const Diagnostic& error : diagnostics.errors()) all += error.message + "\n";
    return all;
  };
  EXPECT_EQ(errors(""), "");
  EXPECT_EQ(errors("${params.byte}"), "Parameters expand to more than 64 MiB\n");
}

TEST_F(Params, ADeclaredTypeIsChecked) {
  options_.params = {{"n", "many"}};
  const CompileResult result = with("{n: {type: integer, default: 1}}", "{path: \"${params.n}\"}");
  ASSERT_EQ(result.diagnostics.errors().size(), 1u) << all_text(result);
  EXPECT_EQ(result.diagnostics.errors()[0].message, "Parameter 'n' must be of type integer, got 'many'");
}

TEST_F(Params, EnumAndBoundsAreChecked) {
  const std::string declared =
      "{r: {type: string, enum: [EU, US], default: XX}, k: {type: integer, min: 1, max: 5, default: 9}}";
  const CompileResult result = with(declared, "{path: \"${params.r}${params.k}\"}");
  ASSERT_EQ(result.diagnostics.errors().size(), 2u) << all_text(result);
  EXPECT_EQ(result.diagnostics.errors()[1].message, "Parameter 'k' must be at most 5, got 9");
  EXPECT_EQ(result.diagnostics.errors()[0].message, "Parameter 'r' must be one of: EU, US; got 'XX'");
  options_.params = {{"r", "EU"}, {"k", "5"}};
  EXPECT_EQ(path_of(with(declared, "{path: \"${params.r}${params.k}\"}")), "EU5");
}

TEST_F(Params, UnresolvedOnesAreListedSorted) {
  const CompileResult result = with("{}", "{path: \"${params.zeta}${params.alpha}\"}");
  ASSERT_EQ(result.diagnostics.errors().size(), 1u) << all_text(result);
  EXPECT_EQ(result.diagnostics.errors()[0].message, "Unresolved parameters: ['alpha', 'zeta']");
  EXPECT_EQ(result.diagnostics.errors()[0].mark.line, 6);
}

TEST_F(Params, OtherPlaceholdersPassThrough) {
  EXPECT_EQ(path_of(with("{}", "{path: \"${HOME}/${step.df}\"}")), "${HOME}/${step.df}");
}

TEST_F(Params, AnUnknownFlagIsRefusedWithTheNearestName) {
  options_.params = {{"regoin", "EU"}};
  const CompileResult result = with("{region: US}", "{path: \"${params.region}\"}");
  ASSERT_EQ(result.diagnostics.errors().size(), 1u);
  EXPECT_EQ(result.diagnostics.errors()[0].hint, "did you mean 'region'?");
}

TEST_F(Params, MayNameEachOtherButNotThemselves) {
  EXPECT_EQ(path_of(with("{dir: data, file: \"${params.dir}/x.csv\"}", "{path: \"${params.file}\"}")), "data/x.csv");
  const CompileResult cyclic = with("{a: \"${params.b}\", b: \"x${params.a}\"}", "{path: \"${params.a}\"}");
  EXPECT_TRUE(find(cyclic.diagnostics.errors(), "invalid_param")) << all_text(cyclic);
}

TEST_F(Params, ThatDoubleEachOtherEndAsAnError) {
  std::string params = "{p0: xxxxxxxxxxxxxxxx";
  for (int i = 1; i < 30; ++i) {
    const std::string previous = "${params.p" + std::to_string(i - 1) + "}";
    params += ", p" + std::to_string(i) + ": \"" + previous + previous + "\"";
  }
  const CompileResult result = with(params + "}", "{path: \"${params.p29}\"}");
  EXPECT_TRUE(find(result.diagnostics.errors(), "invalid_param"));
}

}  // namespace
}  // namespace osiris
