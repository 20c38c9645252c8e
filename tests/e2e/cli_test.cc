// The commands around a run, and how osiris answers when it is asked wrongly.
#include <gtest/gtest.h>

#include "protocol/base/elf.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kPipeline[] =
    "oml_version: \"0.1.0\"\nname: copy\nsteps:\n"
    "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n"
    "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [read]\n    config: {path: "
    "out/copy.csv}\n";

class Cli : public testing::Test {
 protected:
  Cli() {
    project_.write("in.csv", "id\n1\n");
    project_.write("p.yaml", kPipeline);
  }
  void usage_error(std::vector<std::string> arguments, const std::string& what, const std::string& hint = "") {
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 2) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(hint), std::string::npos) << outcome.err;
  }
  Project project_;
};

TEST_F(Cli, SaysItsVersionCommitAbiAndWorker) {
  const auto worker = sha256_file(build_dir() / "lib/osiris/osiris-worker");
  ASSERT_TRUE(worker.ok());
  const Outcome text = project_.osiris({"--version"});
  EXPECT_TRUE(text.out.starts_with("Osiris v")) << text.out;
  for (const std::string& part : {std::string("\ncommit  "), std::string("\nABI     1."),
                                  std::string("\nengine  DuckDB 1."), "\nworker  sha256 " + worker->sha256})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in " << text.out;
  const Json document = project_.osiris({"--version", "--json"}).json();
  EXPECT_TRUE(document["version"].as_string().starts_with("v"));
  EXPECT_TRUE(document["commit"].as_string() == "unknown" || document["commit"].as_string().size() >= 40)
      << document.dump();
  EXPECT_TRUE(document["abi"].as_string().starts_with("1."));
  EXPECT_EQ(document["abi"].as_string(),
            std::to_string(document["abi_major"].as_int()) + "." + std::to_string(document["abi_minor"].as_int()));
  EXPECT_TRUE(document["tag"].is_null() || document["tag"].as_string() == document["version"].as_string());
  EXPECT_EQ(document["engine"]["name"].as_string(), "DuckDB");
  EXPECT_EQ(document["worker"]["sha256"].as_string(), worker->sha256);
  const auto build_id = elf_build_id(build_dir() / "lib/osiris/osiris-worker");
  ASSERT_TRUE(build_id.ok());
  EXPECT_EQ(document["worker"]["build_id"].as_string(), *build_id);
}

TEST_F(Cli, SaysItsVersionAlsoWhereThereIsNoWorker) {
  project_.set("OSIRIS_WORKER", "/nonexistent/worker");
  const Outcome text = project_.osiris({"--version"});
  EXPECT_EQ(text.exit, 0) << text.err;
  EXPECT_NE(text.out.find("cannot find the worker /nonexistent/worker"), std::string::npos) << text.out;
  EXPECT_NE(
      project_.osiris({"--version", "--json"}).json()["worker"]["problem"].as_string().find("/nonexistent/worker"),
      std::string::npos);
}

TEST_F(Cli, EveryCommandHasHelp) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{},
                                                                                       {"run"},
                                                                                       {"compile"},
                                                                                       {"validate"},
                                                                                       {"oml", "validate"},
                                                                                       {"init"},
                                                                                       {"clean"},
                                                                                       {"runs", "list"},
                                                                                       {"logs", "list"},
                                                                                       {"logs", "show"},
                                                                                       {"logs", "last"},
                                                                                       {"adapters", "list"},
                                                                                       {"adapters", "show"},
                                                                                       {"components", "list"},
                                                                                       {"components", "show"},
                                                                                       {"connections", "list"},
                                                                                       {"connections", "doctor"},
                                                                                       {"resources", "list"},
                                                                                       {"resources", "release"},
                                                                                       {"resources", "reap"},
                                                                                       {"sandboxes", "list"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--help");
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    std::string usage = "Usage: osiris";
    for (const std::string& word : command) usage += " " + word;
    EXPECT_NE(outcome.out.find(usage), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(Cli, HelpShowsAnAdaptersOptionsOnlyWhenItIsNamed) {
  EXPECT_EQ(project_.osiris({"run", "--help"}).out.find("--local-env"), std::string::npos);
  const Outcome named = project_.osiris({"run", "--adapter", "local", "--help"});
  EXPECT_NE(named.out.find("--local-env"), std::string::npos) << named.out;
  EXPECT_NE(named.out.find("OSIRIS_LOCAL_ENV"), std::string::npos) << named.out;
  EXPECT_EQ(named.out.find("--allow-mock"), std::string::npos);
}

TEST_F(Cli, OffersTheNearestFlagAndCommand) {
  usage_error({"run", "p.yaml", "--dry-rum"}, "Unknown option: --dry-rum", "did you mean --dry-run?");
  usage_error({"run", "p.yaml", "--local-evn", "A=B"}, "Unknown option: --local-evn", "--adapter local --help");
  usage_error({"rum", "p.yaml"}, "Unknown command: rum", "did you mean run?");
  usage_error({"logs", "lasst"}, "Unknown command: lasst", "did you mean last?");
}

TEST_F(Cli, SaysWhatIsWrongWithAnOption) {
  usage_error({"run"}, "No pipeline file specified");
  usage_error({"run", "p.yaml", "q.yaml"}, "Multiple pipeline files specified");
  usage_error({"run", "p.yaml", "--param", "nonsense"}, "Invalid parameter format: nonsense (expected key=value)");
  usage_error({"run", "p.yaml", "--last-compile"}, "Cannot specify both a pipeline file and --last-compile flags");
  usage_error({"run", "--last-compile"}, "No recent compile found");
  usage_error({"run", "p.yaml", "--timeout", "soon"}, "--timeout");
  usage_error({"run", "p.yaml", "--memory-limit", "-5"}, "--memory-limit");
  usage_error({"run", "p.yaml", "--threads", "0"}, "--threads", "1");
  usage_error({"run", "p.yaml", "--threads", "100000"}, "--threads", "1024");
  usage_error({"run", "p.yaml", "--adapter", "../local"}, "'../local' is not the name of an adapter");
  usage_error({"run", "p.yaml", "--adapter", ""}, "is not the name of an adapter");
  usage_error({"run", "p.yaml", "--adapter", "local", "--target=far"},
              "--adapter local and --target far name two adapters, local and far", "leave one of them out");
  usage_error({"run", "p.yaml", "--cpu", "4"}, "--cpu has no meaning for adapter local");
  usage_error({"run", "p.yaml", "--out", "p.yaml"}, "--out: p.yaml is no directory");
  usage_error({"run", "p.yaml", "--report", "junit=/tmp"}, "--report: /tmp is a directory");
  usage_error({"compile"}, "FILE is required");
  usage_error({"diff"}, "RUN|FILE is required");
  usage_error({"show"}, "STEP is required");
  usage_error({"import"}, "FILE|DIR is required");
  usage_error({"completion"}, "bash|zsh|fish is required");
  usage_error({"schema", "projekt"}, "pipeline|connections|project");
  EXPECT_TRUE(project_.sessions().empty());
}

TEST_F(Cli, AnAdapterMayBeNamedTwice) {
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--adapter", "local", "--target", "local"}).exit, 0);
  EXPECT_EQ(project_.osiris({"run", "--adapter", "local", "--target", "far", "--help"}).exit, 0);
}

TEST_F(Cli, OutCopiesWhatTheRunWroteAndTheSessionLineStaysLast) {
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--out", "copies"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("copies/out/copy.csv"), "id\n1\n");
  EXPECT_TRUE(fs::exists(project_.dir() / "copies/artifacts/write/cleaned_config.json"));
  EXPECT_TRUE(outcome.out.ends_with("\nArtifacts copied to: copies/\nSession: " + project_.session().string() + "/\n"))
      << outcome.out;
  project_.write("blocked/out", "a file where a directory is to be");
  const Outcome blocked = project_.osiris({"run", "p.yaml", "--out", "blocked"});
  EXPECT_EQ(blocked.exit, 2) << "not a success: the copies were asked for";
  EXPECT_NE(blocked.err.find("the pipeline ran, but --out failed"), std::string::npos) << blocked.err;
}

TEST_F(Cli, AManifestThatDoesNotLoadIsRecordedUnderItsPipeline) {
  const std::string manifest = project_.osiris({"compile", "p.yaml", "--json"}).json()["manifest_path"].as_string();
  EXPECT_EQ(project_.osiris({"run", manifest, "--param", "a=b"}).exit, 2);
  EXPECT_EQ(project_.runs().items().at(0)["pipeline_slug"].as_string(), "p");
}

TEST_F(Cli, UsageErrorsSpeakJsonToo) {
  const Outcome outcome = project_.osiris({"run", "--json", "--dry-rum"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_EQ(outcome.json()["status"].as_string(), "error");
  EXPECT_EQ(outcome.json()["exit_code"], Json(2));
}

TEST_F(Cli, EveryAnswerInJsonIsOneDocument) {
  project_.write("bad.yaml", "oml_version: 1\n");
  project_.write("osiris_connections.yaml", "version: 1\nconnections: {mysql: {shop: {host: '${UNSET}'}}}\n", 0600);
  for (const char* line : {"init other",
                           "init other",
                           "validate",
                           "validate p.yaml",
                           "validate p.yaml bad.yaml nowhere.yaml",
                           "oml validate bad.yaml",
                           "compile p.yaml",
                           "compile bad.yaml",
                           "compile nowhere.yaml",
                           "run p.yaml",
                           "run p.yaml --verbose",
                           "run p.yaml --dry-run",
                           "run bad.yaml",
                           "run bad.yaml --dry-run",
                           "run nowhere.yaml",
                           "run p.yaml --adapter nobody",
                           "run p.yaml --out p.yaml",
                           "run --last-compile",
                           "runs list",
                           "runs list --since x",
                           "clean",
                           "clean --dry-run",
                           "cache show",
                           "cache clear",
                           "sql -c SHOW",
                           "sql -c x -o y",
                           "why a p.yaml",
                           "why nothing p.yaml",
                           "run p.yaml --keep-outputs",
                           "run p.yaml --resume",
                           "run p.yaml --only nothing",
                           "help",
                           "help run",
                           "help nonsense",
                           "version",
                           "logs html",
                           "report",
                           "report nothing",
                           "report --runs",
                           "logs list",
                           "logs last",
                           "logs last --events",
                           "logs last --metrics",
                           "logs last --log",
                           "logs show nobody",
                           "logs show",
                           "adapters list",
                           "adapters show local",
                           "adapters show nobody",
                           "components list",
                           "components show mysql.extractor",
                           "components show nobody",
                           "connections list",
                           "connections list --mcp",
                           "connections doctor",
                           "resources list",
                           "nonsense",
                           "run --nonsense",
                           "runs",
                           "--version",
                           "--verbose",
                           "--help",
                           "run --help",
                           "logs list --help"}) {
    std::vector<std::string> arguments = {"--json"};
    for (const std::string& word : split(line, ' ')) arguments.push_back(word);
    const Outcome outcome = project_.osiris(arguments);
    const auto document = parse_json(outcome.out);
    EXPECT_TRUE(document.ok()) << line << ": " << outcome.out << outcome.err;
    if (document.ok() && outcome.exit != 0 && document->is_object()) {
      EXPECT_FALSE((*document)["status"].as_string() == "success") << line;
    }
  }
}

TEST_F(Cli, ADryRunShowsThePlanAndTouchesNothing) {
  const auto before = project_.tree();
  const Outcome text = project_.osiris({"run", "p.yaml", "--dry-run"});
  EXPECT_EQ(text.exit, 0) << text.err;
  for (const char* part : {"1. read", "2. write", "reads file in.csv", "writes file out/copy.csv",
                           "Hosts contacted: none", "Secrets used, by name: none"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << text.out;
  const Json plan = project_.osiris({"run", "p.yaml", "--dry-run", "--json"}).json();
  EXPECT_EQ(plan["steps"].size(), 2u);
  EXPECT_EQ(plan["steps"].items().at(1)["files_out"].items().at(0)["absolute"].as_string(),
            (project_.dir() / "out/copy.csv").string());
  EXPECT_EQ(project_.tree(), before);
}

TEST_F(Cli, ADryRunOfAWrongPipelineTouchesNothingEither) {
  project_.write("bad.yaml", "oml_version: \"0.1.0\"\nname: x\nsteps: 3\n");
  const auto before = project_.tree();
  EXPECT_EQ(project_.osiris({"run", "bad.yaml", "--dry-run"}).exit, 2);
  EXPECT_EQ(project_.tree(), before);
}

TEST_F(Cli, InitMakesAProjectThatValidates) {
  const Outcome made = project_.osiris({"init", "new"});
  EXPECT_EQ(made.exit, 0) << made.err;
  for (const char* file :
       {"osiris.yaml", ".gitignore", ".env.example", "osiris_connections.example.yaml", "pipelines/hello.yaml"})
    EXPECT_TRUE(fs::exists(project_.dir() / "new" / file)) << file;
  usage_error({"init", "new"}, "there is an osiris.yaml already", "--force");
  EXPECT_EQ(project_.osiris({"init", "new", "--force"}).exit, 0);
  fs::copy(project_.dir() / "new", project_.dir(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  EXPECT_EQ(project_.osiris({"validate"}).exit, 0);
  const Outcome hello = project_.osiris({"validate", "pipelines/hello.yaml"});
  EXPECT_EQ(hello.exit, 0) << hello.err;
}

TEST_F(Cli, ValidateNamesFileLineAndColumn) {
  project_.write("bad.yaml",
                 "oml_version: \"0.1.0\"\nname: x\nsteps:\n  - id: a\n    component: duckdb.procesor\n    mode: "
                 "transform\n    config: {query: select 1}\n");
  const Outcome outcome = project_.osiris({"validate", "bad.yaml"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("bad.yaml:5:"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("duckdb.processor"), std::string::npos) << outcome.err;
  const Json both = project_.osiris({"validate", "bad.yaml", "p.yaml", "--json"}).json();
  EXPECT_EQ(both["all_valid"], Json(false));
  EXPECT_EQ(both["files"].items().at(1)["valid"], Json(true));
}

TEST_F(Cli, ValidateFindsWhatIsWrongWithConnectionsAndAdapterOptions) {
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mysql:\n    shop: {host: db, database: d, port: many, usr: me}\n"
                 "    late: {host: db, database: d, password: '${NOT_SET}'}\n",
                 0600);
  project_.write("osiris.yaml", "version: '2.0'\nadapters:\n  local: {grce: 3}\n  nobody: {x: 1}\n");
  const Outcome text = project_.osiris({"validate"});
  EXPECT_EQ(text.exit, 2);
  for (const char* part :
       {"osiris_connections.yaml:4:41: error: port must be an integer, got str [connections.mysql.shop.port]",
        "osiris_connections.yaml:5:45: error: Environment variable 'NOT_SET' not set", "did you mean 'user'?",
        "no option adapters.local.grce", "did you mean adapters.local.grace?", "no adapter 'nobody' found"})
    EXPECT_NE(text.err.find(part), std::string::npos) << part << "\n" << text.err;
  const Json warned = project_.osiris({"validate", "--mode", "warn", "--json"}).json();
  EXPECT_EQ(warned["errors"].size(), 3u) << warned.dump_pretty();
  EXPECT_EQ(warned["warnings"].size(), 2u) << warned.dump_pretty();
  project_.write("osiris.yaml", "version: '2.0'\nadapters:\n  local: 3\n");
  EXPECT_NE(
      project_.osiris({"validate"}).err.find("osiris.yaml:3:10: error: adapters.local must be a mapping, got int"),
      std::string::npos);
}

TEST_F(Cli, AProfileFromTheEnvironmentMustBeKnownToo) {
  project_.set("OSIRIS_PROFILE", "prd");
  const Outcome outcome = project_.osiris({"compile", "p.yaml"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("Unknown profile: 'prd' [profiles] (did you mean 'prod'?)"), std::string::npos)
      << outcome.err;
  project_.set("OSIRIS_PROFILE", "prod");
  EXPECT_EQ(project_.osiris({"compile", "p.yaml"}).exit, 0);
}

TEST_F(Cli, AFloodOfFindingsIsCutForPeopleAndWholeForPrograms) {
  std::string text = "oml_version: \"0.1.0\"\nname: x\nsteps:\n";
  for (int i = 0; i < 150; ++i) text += "  - 5\n";
  project_.write("bad.yaml", text);
  EXPECT_NE(project_.osiris({"validate", "bad.yaml"}).err.find("... and 50 more errors"), std::string::npos);
  EXPECT_EQ(project_.osiris({"validate", "bad.yaml", "--json"}).json()["errors"].size(), 150u);
}

TEST_F(Cli, ListsAndShowsComponents) {
  const Outcome listed = project_.osiris({"components", "list"});
  EXPECT_NE(listed.out.find("filesystem.csv_extractor"), std::string::npos);
  EXPECT_EQ(listed.out.find("mock"), std::string::npos) << listed.out;
  const Outcome shown = project_.osiris({"components", "show", "filesystem.csv_writer"});
  EXPECT_NE(shown.out.find("delimiter"), std::string::npos);
  usage_error({"components", "show", "filesystem.csv_writter"}, "there is no component", "filesystem.csv_writer");
  bool runnable = false;
  const Json components = project_.osiris({"components", "list", "--json"}).json();
  for (const Json& component : components.items())
    runnable = runnable || (component["name"].as_string() == "duckdb.processor" && component["runnable"].as_bool());
  EXPECT_TRUE(runnable);
}

TEST_F(Cli, ListsAndShowsAdapters) {
  EXPECT_NE(project_.osiris({"adapters", "list"}).out.find("local"), std::string::npos);
  EXPECT_NE(project_.osiris({"adapters", "show", "local"}).out.find("--local-pass-env"), std::string::npos);
  usage_error({"adapters", "show", "nobody"}, "nobody");
}

TEST_F(Cli, AdapterOptionsComeFromFlagVariableAndFile) {
  const auto grace = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"run", "p.yaml", "--dry-run", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(arguments).json()["options"]["grace"];
  };
  EXPECT_EQ(grace({})["source"].as_string(), "default");
  project_.write("osiris.yaml", "version: '2.0'\nadapters:\n  local:\n    grace: 3\n");
  EXPECT_EQ(grace({})["source"].as_string(), "file");
  project_.set("OSIRIS_LOCAL_GRACE", "4");
  EXPECT_EQ(grace({})["source"].as_string(), "environment");
  EXPECT_EQ(grace({"--local-grace", "5"})["source"].as_string(), "flag");
  EXPECT_EQ(grace({"--local-grace", "5"})["value"].as_string(), "5");
}

}  // namespace
}  // namespace osiris::e2e
