// Local and remote parity, row by row: the same pipeline through `local` and `e2b` gives the same bytes, events, counts, status
// and exit code, and the same fault gives the same message.
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

struct ParityRow {
  std::string name;
  std::string pipeline;  // OML text, or empty: `example`
  std::string example;   // a folder of examples/
  std::vector<std::string> arguments;
  int exit = 0;
};

void PrintTo(const ParityRow& row, std::ostream* out) { *out << row.name; }

const std::string kPeople = "id,name,score\n1,Ann,1.5\n2,Bob,\n3,\"C, D\",3.25\n";

std::string csv_chain(const std::string& query, const std::string& read_config = "", const std::string& write_config = "") {
  return e2e::oml("chain", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: people.csv" + read_config + "}\n",
                            "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: \"" + query + "\"}\n",
                            "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: {path: out/result.csv" +
                                write_config + "}\n"});
}

std::vector<ParityRow> table() {
  const auto mock = [](const std::string& config, const std::string& extra = "") { return e2e::oml("mock", {e2e::mock_step("a", config, "", extra)}); };
  const auto mock_then = [](const std::string& config) {
    return e2e::oml("mock", {e2e::mock_step("a", config), e2e::mock_step("b", "rows: 3", "a"), e2e::mock_step("c", "rows: 1", "b")});
  };
  return {
      {"Example01", "", "01-csv-duckdb-csv", {}, 0},
      {"Example04", "", "04-multi-input-join", {}, 0},
      {"Example06", "", "06-params-profiles", {}, 0},
      {"Example06Prod", "", "06-params-profiles", {"--profile", "prod", "--param", "region=EU"}, 0},
      {"CsvChain", csv_chain("SELECT * FROM df_read ORDER BY id"), "", {}, 0},
      {"Crlf", csv_chain("SELECT * FROM df_read ORDER BY id", "", ", newline: crlf, delimiter: ';', encoding: utf-16"), "", {}, 0},
      {"NoRows", csv_chain("SELECT * FROM df_read WHERE id > 100"), "", {}, 0},
      {"SqlError", csv_chain("SELECT missing_column FROM df_read"), "", {}, 1},
      {"SqlTouchesFiles", csv_chain("SELECT * FROM 'people.csv'"), "", {}, 1},
      {"MissingFile", csv_chain("SELECT 1", ", delimiter: ','"), "", {}, 1},
      {"WrongEncoding", csv_chain("SELECT * FROM df_read", ", encoding: ascii"), "", {}, 1},
      {"MissingDirectory", csv_chain("SELECT 1 AS one", "", ", create_dirs: false"), "", {}, 1},
      {"MockRows", mock("rows: 1000"), "", {}, 0},
      {"MockOutput", mock("write: out/mock.txt, text: hello"), "", {}, 0},
      {"MockEvents", mock("events: 500"), "", {}, 0},
      {"MockFails", mock_then("fail: no luck today"), "", {}, 1},
      {"MockFailsAfterRows", mock_then("rows: 100, fail_after_rows: 40"), "", {}, 1},
      {"MockRetried", mock("fail_first: 2, rows: 5", "retry: {max_attempts: 3, delay: 0}"), "", {}, 0},
      {"MockTimesOut", mock("hang: politely", "timeout: 1"), "", {}, 1},
      {"MockExits", mock("exit: 7"), "", {}, 3},
      {"MockCrashes", mock("signal: 11"), "", {}, 3},
      {"MockGarbage", mock("garbage: true, rows: 2"), "", {}, 0},
  };
}

struct Observed {
  Outcome outcome;
  std::map<std::string, std::string> files;  // out/ and artifacts/, by path
  ComparableEvents events;
  std::vector<std::string> metrics;
  Json status;
  std::string error;
};

std::map<std::string, std::string> files_below(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code none;
  if (!std::filesystem::is_directory(directory, none)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) files[entry.path().lexically_relative(directory)] = *read_file(entry.path());
  return files;
}

class Parity : public testing::TestWithParam<ParityRow> {
 protected:
  static ServerProcess& server() {
    static ServerProcess process = start_server();
    return process;
  }

  Observed observe(const std::string& adapter) {
    const ParityRow& row = GetParam();
    Project project;
    use_server(project, server());
    if (!row.example.empty()) {
      std::filesystem::copy(e2e::source_dir() / "examples" / row.example, project.dir(), std::filesystem::copy_options::recursive);
    } else {
      project.write("pipeline.yaml", row.pipeline);
      if (row.name == "WrongEncoding") project.write("people.csv", "id,name\n1,J\xc3\xb6rg\n");
      else if (row.name != "MissingFile") project.write("people.csv", kPeople);
    }
    if (row.name == "MockOutput") std::filesystem::create_directory(project.dir() / "out");
    Observed seen;
    seen.outcome = project.osiris(run_arguments(adapter, row.arguments));
    seen.files = files_below(project.dir() / "out");
    for (auto& [path, content] : files_below(project.session() / "artifacts")) seen.files["artifacts/" + path] = content;
    seen.events = comparable_events(project.session());
    seen.metrics = comparable_metrics(project.session());
    seen.status = project.status();
    for (const Json& event : Project::events(project.session(), "run_error")) {
      // Each project has a directory of its own, and each worker a name.
      seen.error = event["error"].as_string();
      for (size_t at; (at = seen.error.find(project.dir().string())) != std::string::npos;) seen.error.replace(at, project.dir().string().size(), "<project>");
    }
    scrub(seen, project.dir().string());
    return seen;
  }

  static void scrub(Observed& seen, const std::string& directory) {
    const auto replace = [&](std::string& text) {
      for (size_t at; (at = text.find(directory)) != std::string::npos;) text.replace(at, directory.size(), "<project>");
    };
    for (auto& [step, events] : seen.events.steps)
      for (std::string& event : events) replace(event);
    for (std::string& event : seen.events.run) replace(event);
  }
};

TEST_P(Parity, LocalAndE2bAgree) {
  const Observed local = observe("local");
  const Observed remote = observe("e2b");
  EXPECT_EQ(local.outcome.exit, GetParam().exit) << local.outcome.err;
  EXPECT_EQ(remote.outcome.exit, GetParam().exit) << remote.outcome.err;
  EXPECT_EQ(local.metrics, remote.metrics);
  EXPECT_EQ(local.status["ok"].as_bool(), remote.status["ok"].as_bool());
  EXPECT_EQ(local.status["steps_completed"].as_int(), remote.status["steps_completed"].as_int());
  EXPECT_EQ(local.events.steps, remote.events.steps);
  if (GetParam().exit != 3) {
    // A worker that crashed packed nothing, and names itself: a path here, a sandbox there.
    EXPECT_EQ(local.files, remote.files);
    EXPECT_EQ(local.events.run, remote.events.run);
    EXPECT_EQ(local.error, remote.error);
  }
  expect_no_sandbox(server());
}

INSTANTIATE_TEST_SUITE_P(Table, Parity, testing::ValuesIn(table()), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace osiris::e2b_test
