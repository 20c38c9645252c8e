// osiris sql: queries of what a run has kept.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"
#include "tests/e2e/pseudo_terminal.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Sql : public testing::Test {
 protected:
  Sql() {
    project_.write("in.csv", "k,v\na,1\nb,2\na,3\n");
    write_pipeline("SELECT k, sum(v) AS v FROM input_df GROUP BY k ORDER BY k");
  }
  void write_pipeline(const std::string& query) {
    project_.write(
        "p.yaml",
        oml("sums",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
             "  - {id: total, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"" + query +
                 "\"}}\n",
             "  - {id: big-ones, component: duckdb.processor, mode: transform, needs: [total], config: {query: "
             "\"SELECT "
             "* FROM input_df WHERE v > 2\"}}\n",
             "  - {id: stamp, component: duckdb.processor, mode: transform, needs: [total], config: {query: \"SELECT "
             "*, now() AS t FROM input_df\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [total], config: {path: out.csv}}\n",
             "  - {id: save-stamp, component: filesystem.parquet_writer, mode: write, needs: [stamp], config: {path: "
             "stamp.parquet}}\n"}));
  }
  void run(const std::vector<std::string>& more = {"--keep-outputs"}) {
    std::vector<std::string> arguments = {"run", "p.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = project_.osiris(arguments);
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
  }
  Outcome sql(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "sql");
    return project_.osiris(std::move(arguments));
  }

  Project project_;
};

TEST_F(Sql, AnswersFromWhatTheRunHasKept) {
  run();
  fs::remove(project_.dir() / "in.csv");  // nothing is run again
  const Outcome outcome = sql({"-c", "SELECT k, v * 10 AS tens FROM df_total ORDER BY v"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("tens"), HasSubstr("40"), HasSubstr("2 rows\n")));
  const Json seen =
      sql({"-c", "SELECT count(*) AS n FROM df_total t JOIN DF_BIG_ONES b ON t.k = b.k", "--json"}).json();
  EXPECT_EQ(seen["shown"].dump(), R"([["1"]])");
  EXPECT_EQ(seen["relations"].items().at(0)["name"].as_string(), "df_total");
  EXPECT_EQ(seen["relations"].items().at(0)["rows"].as_int(), 2);
  EXPECT_EQ(project_.runs().size(), 1u);
}

TEST_F(Sql, AnswersFromAnEarlierRunByItsName) {
  run();
  project_.write("in.csv", "k,v\na,100\n");
  run();
  EXPECT_EQ(sql({"-c", "SELECT sum(v) FROM df_total", "--format", "csv"}).out, "sum(v)\n100\n");
  EXPECT_EQ(sql({"sums/1", "-c", "SELECT sum(v) FROM df_total", "--format", "csv"}).out, "sum(v)\n6\n");
}

TEST_F(Sql, ReadsFilesOfWritersWhileTheyAreAsTheRunLeftThem) {
  run({});
  EXPECT_EQ(sql({"-c", "SELECT count(*) AS n FROM df_save", "--format", "csv"}).out, "n\n2\n");
  EXPECT_EQ(sql({"-c", "SELECT typeof(t) AS t FROM df_save_stamp LIMIT 1", "--format", "csv"}).out,
            "t\nTIMESTAMP WITH TIME ZONE\n");
  project_.write("out.csv", "k,v\na,4\nb,3\n");  // as long as it was
  const Outcome changed = sql({"-c", "FROM df_save"});
  EXPECT_EQ(changed.exit, 2);
  EXPECT_THAT(changed.err, HasSubstr("out.csv: the file has changed since this run"));
  EXPECT_EQ(sql({"-c", "SELECT 1 AS n FROM df_save_stamp", "--format", "csv"}).exit, 0);
}

TEST_F(Sql, NamesStepsWhoseRowsAreNotThereAndWhatToDo) {
  run();
  const Json missing = sql({"-c", "FROM df_total", "--json"}).json()["missing"];
  EXPECT_EQ(missing.dump(),
            R"([{"step_id":"read","why":"the files it reads are the copy"},)"
            R"({"step_id":"stamp","why":"its SQL uses now: such rows are kept with `cache: true` only"}])");
  const Outcome outcome = sql({"-c", "SELECT * FROM df_total JOIN df_read USING (k)"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("the rows of step 'read' are not there: the files it reads are the copy"),
                                 HasSubstr("--keep-outputs")));
  project_.osiris({"cache", "clear"});
  EXPECT_THAT(sql({"-c", "FROM df_total"}).err, HasSubstr("'total' are not there: they are not kept any more"));
}

TEST_F(Sql, OfARunThatLeftNothingSaysWhy) {
  EXPECT_THAT(sql({"-c", "SELECT 1"}).err, HasSubstr("nothing has run"));
  run({});
  fs::remove(project_.dir() / "out.csv");
  fs::remove(project_.dir() / "stamp.parquet");
  const Outcome outcome = sql({"-c", "FROM df_total"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("has left no rows"), HasSubstr("total (that run did not keep outputs)"),
                                 HasSubstr("--keep-outputs")));
}

TEST_F(Sql, ReachesNothingButTheRelations) {
  run();
  // Hashes of files as young as these are taken again.
  const auto tree = [&] {
    auto all = project_.tree();
    std::erase_if(all, [](const auto& file) { return file.first.ends_with("/files.json"); });
    return all;
  };
  EXPECT_EQ(sql({"-c", "FROM df_total"}).exit, 0);
  const auto before = tree();
  for (const char* text :
       {"SELECT * FROM read_csv('in.csv')", "SELECT * FROM 'in.csv'", "COPY (FROM df_total) TO 'stolen.csv'",
        "ATTACH 'other.db'", "SET threads = 1", "PRAGMA memory_limit = '1GB'", "INSTALL json", "LOAD httpfs",
        "SELECT getenv('HOME')", "INSERT INTO df_total VALUES ('x', 1)", "UPDATE df_total SET v = 0",
        "DELETE FROM df_total", "DROP TABLE df_total", "DROP VIEW df_total", "CALL pragma_version()",
        "EXPORT DATABASE 'out'"}) {
    const Outcome outcome = sql({"-c", text});
    EXPECT_EQ(outcome.exit, 2) << text << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, Not(HasSubstr("look-"))) << text;
  }
  EXPECT_EQ(tree(), before);
}

TEST_F(Sql, WritesCsvJsonAndParquet) {
  run();
  project_.write("q.sql", "-- a comment; with a semicolon\nSELECT k, v FROM df_total ORDER BY k;\n");
  const Outcome piped = project_.shell_in(project_.dir(), "osiris sql --format csv < q.sql");
  EXPECT_EQ(piped.exit, 0) << piped.err;
  EXPECT_EQ(piped.out, "k,v\na,4\nb,2\n");
  EXPECT_EQ(sql({"-c", "FROM df_total", "--format", "json", "--limit", "1"}).out, "[\n{\"k\":\"a\",\"v\":4}\n]\n");
  const Outcome made = sql({"-c", "FROM range(50)", "--format", "parquet", "-o", "made/rows.parquet", "--json"});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.json()["size_bytes"].as_uint(), fs::file_size(project_.dir() / "made/rows.parquet"));
  // Files have all rows, a table the first ones.
  EXPECT_THAT(sql({"-c", "SELECT range AS n FROM range(50)", "--format", "csv"}).out, HasSubstr("\n49\n"));
  EXPECT_THAT(sql({"-c", "SELECT range AS n FROM range(50)"}).out, HasSubstr("30 rows more"));
}

TEST_F(Sql, ListsRelationsAndDescribesThem) {
  run();
  EXPECT_EQ(sql({"-c", "SHOW TABLES;", "--format", "csv"}).out,
            "relation,step,rows\ndf_total,total,2\ndf_big_ones,big-ones,1\ndf_save,save,\ndf_save_stamp,save-stamp,\n");
  EXPECT_THAT(sql({"-c", "DESCRIBE df_total"}).out, AllOf(HasSubstr("column_type"), HasSubstr("HUGEINT")));
  EXPECT_THAT(sql({"-c", "SUMMARIZE df_total"}).out, HasSubstr("approx_unique"));
}

TEST_F(Sql, NamesWhatIsWrong) {
  run();
  const Outcome wrong = sql({"-c", "SELECT nothing FROM df_total"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("nothing"));
  EXPECT_THAT(sql({"-c", "FROM df_totl"}).err, AllOf(HasSubstr("❌ there is no table df_totl"),
                                                     HasSubstr("Did you mean df_total? there are df_total, ")));
  EXPECT_THAT(sql({"-c", "COPY (FROM df_total) TO 'x.csv'"}).err, HasSubstr("❌ a query cannot use COPY"));
  EXPECT_EQ(sql({"-c", ""}).exit, 2);
  EXPECT_THAT(sql({"-c", "  "}).err, AllOf(HasSubstr("no SQL was given"), HasSubstr("df_total, df_big_ones")));
  EXPECT_EQ(sql({"-c", "FROM df_total", "--format", "csv", "--json"}).exit, 2);
  EXPECT_EQ(sql({"-c", "FROM df_total", "-o", "x.csv"}).exit, 2);
  EXPECT_EQ(sql({"-c", "FROM df_total", "--timeout", "soon"}).exit, 2);
  EXPECT_THAT(sql({"17", "-c", "FROM df_total"}).err, HasSubstr("there is no run"));
  const Outcome late = sql({"-c", "SELECT count(*) FROM range(100000000000) a", "--timeout", "1s"});
  EXPECT_EQ(late.exit, 124) << late.err;
}

TEST_F(Sql, EscapesWhatActsOnATerminal) {
  run();
  const std::string query = "SELECT chr(27) || '[31mred' AS \"na" + std::string("\x1b") + "[2Jme\"";
  EXPECT_THAT(sql({"-c", query}).out, AllOf(Not(HasSubstr("\x1b")), HasSubstr("?[31mred")));
}

TEST_F(Sql, ADamagedFileIsNotRead) {
  run();
  const std::string file =
      project_.osiris({"cache", "show", "--json"}).json()["entries"].items().at(0)["path"].as_string();
  fs::resize_file(file, fs::file_size(file) - 1);
  const Outcome outcome = sql({"-c", "SELECT count(*) FROM df_total t, df_big_ones"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("is not what was kept"), HasSubstr("are not kept any more")));
}

TEST_F(Sql, IsTypedAtATerminal) {
  run();
  PseudoTerminal terminal(project_, {"sql"});
  terminal.until("sql> ");
  EXPECT_THAT(terminal.text(), AllOf(HasSubstr("df_big_ones"), HasSubstr("Not there: read (the files it reads are")));
  terminal.type("SELECT v AS answer\n");
  terminal.until("...> ");
  terminal.type("FROM df_total -- no end;\nWHERE k = ';' OR k = 'b'; FROM df_nothing;\n");
  terminal.until("df_nothing");
  terminal.until("sql> ");
  EXPECT_THAT(terminal.text(), AllOf(HasSubstr("answer"), HasSubstr("1 row\r\n")));
  // A query is stopped by Ctrl-C, the session goes on.
  terminal.type("SELECT count(*) FROM range(100000000000) a;\n");
  terminal.until_it_has_a_child();
  terminal.type("\x03");
  terminal.until("ancel");
  terminal.until("sql> ");
  terminal.type("\\q\n");
  EXPECT_EQ(terminal.end(), 0) << terminal.text();
}

}  // namespace
}  // namespace osiris::e2e
