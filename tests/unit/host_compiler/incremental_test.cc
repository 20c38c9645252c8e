// Incremental steps and the writers after them: what is refused before a run.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class IncrementalSteps : public CompileTest {
 protected:
  // With an extract of these `incremental` keys, SQL between, and a writer of this config.
  CompileResult compile_with(const std::string& incremental, const std::string& writer,
                             const std::string& component = "postgres.writer") {
    use_connections(
        "version: 1\nconnections:\n  postgres: {shop: {host: h, database: d, user: u, password: p}}\n"
        "  mysql: {shop: {host: h, database: d, user: u, password: p}}\n");
    return compile_text(
        pipeline("  - {id: read, component: postgres.extractor, mode: read, config: {connection: "
                 "'@postgres.shop', table: t, incremental: {" +
                 incremental +
                 "}}}\n  - {id: join, component: duckdb.processor, mode: transform, config: {query: "
                 "'SELECT * FROM df_read'}}\n  - {id: save, component: " +
                 component + ", mode: write, config: {" + writer + "}}\n"));
  }
  const Diagnostic* refused(const CompileResult& result) {
    return find(result.diagnostics.errors(), "append_without_key");
  }
};

constexpr char kTarget[] = "connection: '@postgres.shop', table: t";

TEST_F(IncrementalSteps, AppendNeedsAKey) {
  const std::string target = kTarget;
  for (const std::string more : {"", ", write_mode: append", ", mode: append"}) {
    const CompileResult result = compile_with("column: at", target + more);
    ASSERT_TRUE(refused(result)) << all_text(result);
    EXPECT_EQ(
        refused(result)->message,
        "Step 'save' appends the rows of 'read', which reads rows of the last value again, and has no key to tell "
        "them by");
    EXPECT_GT(refused(result)->mark.line, 0);
    EXPECT_TRUE(compile_with("column: at, key: [id]", target + more).ok());
  }
  const CompileResult again = compile_with("column: at, key: [id], lookback: 2h", target);
  ASSERT_TRUE(refused(again)) << all_text(again);
  EXPECT_NE(refused(again)->message.find("its lookback"), std::string::npos);
}

TEST_F(IncrementalSteps, OtherWaysOfWritingDoNot) {
  const std::string target = kTarget;
  for (const std::string more : {", write_mode: upsert, primary_key: id", ", mode: upsert, primary_key: id",
                                 ", write_mode: replace", ", truncate_before: true"}) {
    const CompileResult result = compile_with("column: at", target + more);
    EXPECT_TRUE(result.ok()) << all_text(result);
  }
  const CompileResult file = compile_with("column: at", "path: out.csv", "filesystem.csv_writer");
  EXPECT_TRUE(file.ok()) << all_text(file);
  EXPECT_FALSE(compile_with("column: at", "connection: '@mysql.shop', table: t", "mysql.writer").ok());
}

TEST_F(IncrementalSteps, KeepAStateAndOthersDoNot) {
  const CompileResult result = compile_with("column: at, key: [id]", kTarget);
  ASSERT_TRUE(result.ok()) << all_text(result);
  const auto sent = make_adapter_inputs(*result.pipeline, inputs(), {directory_.path(), {}});
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  EXPECT_EQ(sent->stateful, std::vector<std::string>{"read"});
}

}  // namespace
}  // namespace osiris
