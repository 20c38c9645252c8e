// ${params.x} in SQL: text that cannot become other SQL than the author wrote.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class SqlParams : public CompileTest {
 protected:
  CompileResult compile_sql(const std::string& sql, std::map<std::string, std::string> params,
                            const std::string& declared = "{x: {type: string}}") {
    options_.params = std::move(params);
    return compile_text("oml_version: \"0.1.0\"\nname: p\nparams: " + declared +
                        "\nsteps:\n  - id: s\n    component: duckdb.processor\n    mode: transform\n    config:\n"
                        "      query: |\n        " +
                        sql + "\n");
  }
  CompileResult compile_mysql(const std::string& sql, std::map<std::string, std::string> params) {
    use_connections("connections: {mysql: {shop: {database: d, default: true}}}");
    options_.params = std::move(params);
    return compile_text(
        "oml_version: \"0.1.0\"\nname: p\nparams: {x: {type: string}}\nsteps:\n  - id: s\n"
        "    component: mysql.extractor\n    mode: read\n    config:\n      query: |\n        " +
        sql + "\n");
  }
  // The SQL of the compiled step, without its line end, or what is wrong.
  std::string filled(const CompileResult& result) {
    if (!result.ok()) return all_text(result);
    std::string sql = result.pipeline->steps[0].cfg["query"].as_string();
    while (sql.ends_with('\n')) sql.pop_back();
    return sql;
  }
  static bool warns(const CompileResult& result) { return find(result.diagnostics.warnings(), "pasted_sql_value"); }
  static bool refuses(const CompileResult& result) { return find(result.diagnostics.errors(), "unsafe_sql_value"); }
};

TEST_F(SqlParams, InsideALiteralQuotesAreDoubled) {
  const CompileResult result = compile_sql("SELECT '${params.x}' AS n, \"a${params.x}\"", {{"x", "O'Brien \"Q\""}});
  EXPECT_EQ(filled(result), "SELECT 'O''Brien \"Q\"' AS n, \"aO'Brien \"\"Q\"\"\"");
  EXPECT_FALSE(warns(result));
}

TEST_F(SqlParams, NegativeNumbersOutsideQuotesGetParentheses) {
  EXPECT_EQ(filled(compile_sql("SELECT 5 -${params.x}", {{"x", "-5"}}, "{x: {type: integer}}")), "SELECT 5 -(-5)");
  EXPECT_EQ(filled(compile_sql("SELECT 5 -${params.x}", {{"x", "-5"}})), "SELECT 5 -(-5)") << "a text that spells one";
  EXPECT_EQ(filled(compile_sql("SELECT '${params.x}'", {{"x", "-5"}})), "SELECT '-5'");
  EXPECT_EQ(filled(compile_sql("SELECT ${params.x}", {{"x", "5"}}, "{x: {type: integer}}")), "SELECT 5");
}

TEST_F(SqlParams, OtherTextOutsideQuotesIsPastedWithAWarningThatNamesValues) {
  const CompileResult result = compile_sql("SELECT * FROM ${params.x}", {{"x", "df_a"}});
  EXPECT_EQ(filled(result), "SELECT * FROM df_a");
  const Diagnostic* warning = find(result.diagnostics.warnings(), "pasted_sql_value");
  ASSERT_TRUE(warning) << all_text(result);
  EXPECT_EQ(warning->location, "steps[0].config.query");
  EXPECT_NE(warning->hint.find("values: {x: \"${params.x}\"}"), std::string::npos);
}

TEST_F(SqlParams, ThoseWithAListOfValuesAreTheAuthors) {
  EXPECT_FALSE(warns(compile_sql("SELECT * FROM ${params.x}", {{"x", "a"}}, "{x: {enum: [a, b]}}")));
}

TEST_F(SqlParams, WhatWouldChangeTheStatementIsRefused) {
  for (const char* value : {"1; DROP TABLE x", "1 -- ", "1 /* ", "it's", "a\"b", "'", "$$"})
    EXPECT_TRUE(refuses(compile_sql("SELECT ${params.x} AS a", {{"x", value}}))) << value;
  EXPECT_TRUE(refuses(compile_sql("SELECT ${params.x}'b' AS a", {{"x", "'a'"}}))) << "two texts would become one";
  EXPECT_TRUE(refuses(compile_sql("SELECT 1 -- ${params.x}", {{"x", "a\nDROP TABLE x"}})));
  EXPECT_TRUE(refuses(compile_sql("SELECT 1 /* ${params.x} */", {{"x", "a */ DROP TABLE x /*"}})));
  EXPECT_TRUE(refuses(compile_sql("SELECT $$ ${params.x} $$", {{"x", "$$ DROP TABLE x $$"}})));
  EXPECT_TRUE(refuses(compile_sql("SELECT E'${params.x}'", {{"x", "\\'; DROP TABLE x; SELECT \\'"}})));
}

TEST_F(SqlParams, WhatIsHarmlessWhereItStandsIsNot) {
  EXPECT_EQ(filled(compile_sql("SELECT '${params.x}'", {{"x", "1; DROP TABLE x -- "}})),
            "SELECT '1; DROP TABLE x -- '");
  EXPECT_EQ(filled(compile_sql("SELECT '${params.x}\\'", {{"x", "C:\\"}})), "SELECT 'C:\\\\'")
      << "no escapes in DuckDB";
  EXPECT_EQ(filled(compile_sql("SELECT 1 -- ${params.x}", {{"x", "it's"}})), "SELECT 1 -- it's");
  EXPECT_EQ(filled(compile_sql("SELECT ${params.x} AS a", {{"x", "'it''s'"}})), "SELECT 'it''s' AS a");
}

TEST_F(SqlParams, InjectionAttemptsStayText) {
  for (const std::string value : {"' OR '1'='1", "'; DELETE FROM x; --", "''; --", "'||(SELECT 1)||'"}) {
    const CompileResult result = compile_sql("SELECT * FROM df_a WHERE name = '${params.x}'", {{"x", value}});
    std::string doubled;
    for (const char c : value) doubled += c == '\'' ? "''" : std::string(1, c);
    EXPECT_EQ(filled(result), "SELECT * FROM df_a WHERE name = '" + doubled + "'");
  }
}

TEST_F(SqlParams, OfMysqlKnowItsBackslashesAndBackticks) {
  EXPECT_TRUE(refuses(compile_mysql("SELECT '${params.x}'", {{"x", "\\"}})));
  EXPECT_TRUE(refuses(compile_mysql("SELECT '${params.x}'", {{"x", "\\' OR 1=1 -- "}})));
  EXPECT_TRUE(refuses(compile_mysql("SELECT ${params.x}", {{"x", "1 # "}})));
  EXPECT_EQ(filled(compile_mysql("SELECT `${params.x}`", {{"x", "a`b"}})), "SELECT `a``b`");
  EXPECT_EQ(filled(compile_mysql("SELECT \"${params.x}\"", {{"x", "O\"B"}})), "SELECT \"O\"\"B\"");
}

TEST_F(SqlParams, AWholeQueryIsGuardedAsItsPartsAre) {
  const auto compile_query = [this](const std::string& param) {
    return compile_text(
        "oml_version: \"0.1.0\"\nname: p\nparams: {q: " + param +
        "}\nsteps:\n"
        "  - {id: s, component: duckdb.processor, mode: transform, config: {query: \"${params.q}\"}}\n");
  };
  const CompileResult pasted = compile_query("\"SELECT 'a' AS x\"");
  EXPECT_EQ(filled(pasted), "SELECT 'a' AS x");
  const Diagnostic* warning = find(pasted.diagnostics.warnings(), "pasted_sql_value");
  ASSERT_TRUE(warning) << all_text(pasted);
  EXPECT_NE(warning->hint.find("write the SQL into the pipeline"), std::string::npos) << warning->hint;
  EXPECT_NE(warning->hint.find("values:"), std::string::npos) << warning->hint;
  for (const char* statement : {"\"SELECT 1; DROP TABLE x\"", "\"SELECT 1 -- x\"", "\"SELECT 'a\""})
    EXPECT_TRUE(refuses(compile_query(statement))) << statement;
  EXPECT_FALSE(warns(compile_query("{enum: [\"FROM a\", \"FROM b\"], default: \"FROM a\"}")));
  EXPECT_TRUE(find(compile_query("7").diagnostics.errors(), "invalid_config_value")) << "a number is no SQL";
}

TEST_F(SqlParams, AreBoundByValuesWithTheirTypes) {
  const CompileResult result = compile_text(
      "oml_version: \"0.1.0\"\nname: p\nparams: {n: {type: integer, default: 5}, t: \"O'Brien\", l: [1, 2]}\nsteps:\n"
      "  - {id: s, component: duckdb.processor, mode: transform,\n"
      "     config: {query: \"SELECT $n, $t, $l\", values: {n: \"${params.n}\", t: \"${params.t}\", l: "
      "\"${params.l}\"}}}\n");
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].cfg["values"],
            Json::object({{"n", 5}, {"t", "O'Brien"}, {"l", Json::array({1, 2})}}));
}

TEST_F(SqlParams, NamesAndValuesThatDoNotMeetAreFound) {
  const auto compile_values = [this](const std::string& sql, const std::string& values) {
    return compile_text(
        "oml_version: \"0.1.0\"\nname: p\nsteps:\n  - id: s\n    component: duckdb.processor\n"
        "    mode: transform\n    config:\n      query: |\n        " +
        sql + "\n      values: " + values + "\n");
  };
  EXPECT_TRUE(compile_values("SELECT $A, '$b', $$ $c $$, a$d /* $e */ FROM x -- $f", "{a: 1}").ok());
  const CompileResult missing = compile_values("SELECT $sinc", "{since: 1}");
  ASSERT_EQ(missing.diagnostics.errors().size(), 2u) << all_text(missing);
  const Diagnostic* error = find(missing.diagnostics.errors(), "missing_sql_value");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->hint, "did you mean $since?");
  EXPECT_EQ(error->location, "steps[0].config.query");
  const Diagnostic* unused = find(missing.diagnostics.errors(), "unused_sql_value");
  ASSERT_TRUE(unused);
  EXPECT_EQ(unused->mark.line, 10);
  EXPECT_TRUE(find(compile_values("SELECT $x", "{}").diagnostics.errors(), "missing_sql_value"));
  EXPECT_TRUE(compile_mysql("SELECT $x", {}).ok()) << "a name of MySQL's";
}

TEST_F(SqlParams, ValuesThatAreMappingsAreRefused) {
  const CompileResult result = compile_text(
      "oml_version: \"0.1.0\"\nname: p\nsteps:\n  - {id: s, component: duckdb.processor, mode: transform, config: "
      "{query: "
      "\"SELECT $m\", values: {m: {a: 1}}}}\n");
  EXPECT_TRUE(find(result.diagnostics.errors(), "invalid_config_value")) << all_text(result);
}

}  // namespace
}  // namespace osiris
