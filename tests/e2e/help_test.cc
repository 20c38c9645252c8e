// Asking osiris what it can do: help pages, the version, commands of the predecessor, quiet and talkative runs.
#include <gtest/gtest.h>

#include <regex>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

class Help : public testing::Test {
 protected:
  Help() {
    project_.write("in.csv", "id\n1\n");
    project_.write(
        "p.yaml",
        oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                  "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  }
  Outcome run(std::string_view line) const { return project_.osiris(split(line, ' ')); }
  void refused(std::string_view line, const std::string& what, const std::string& hint) const {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit, 2) << line << outcome.out;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << line << ": " << outcome.err;
    EXPECT_NE(outcome.err.find(hint), std::string::npos) << line << ": " << outcome.err;
  }
  Project project_;
};

constexpr const char* kCommands[] = {"run",
                                     "compile",
                                     "validate",
                                     "oml validate",
                                     "init",
                                     "clean",
                                     "runs list",
                                     "logs list",
                                     "logs show",
                                     "logs last",
                                     "adapters list",
                                     "adapters show",
                                     "adapters check",
                                     "adapters trust",
                                     "components list",
                                     "components show",
                                     "connections list",
                                     "connections doctor",
                                     "resources list",
                                     "resources release",
                                     "resources reap",
                                     "sandboxes list",
                                     "doctor",
                                     "schema",
                                     "graph",
                                     "schedule render",
                                     "explain",
                                     "completion",
                                     "why",
                                     "show",
                                     "sql",
                                     "diff",
                                     "report",
                                     "import",
                                     "runs prune",
                                     "state show",
                                     "state set",
                                     "state reset",
                                     "cache show",
                                     "cache clear",
                                     "adapters",
                                     "cache",
                                     "components",
                                     "connections",
                                     "logs",
                                     "oml",
                                     "resources",
                                     "runs",
                                     "sandboxes",
                                     "schedule",
                                     "state"};

TEST_F(Help, IsTheSamePageByWordAndByFlagAndEndsWithAnExample) {
  for (const std::string command : kCommands) {
    const Outcome by_flag = run(command + " --help"), by_word = run("help " + command);
    EXPECT_EQ(by_flag.exit, 0) << by_flag.err;
    EXPECT_EQ(by_word.out, by_flag.out) << command;
    EXPECT_EQ(by_word.exit, 0) << by_word.err;
    const std::regex example("\nExamples?:\n  osiris " + command + "\\b");
    EXPECT_TRUE(std::regex_search(by_flag.out, example)) << by_flag.out;
    EXPECT_EQ(by_flag.out.find("\n\n\n"), std::string::npos) << by_flag.out;
  }
  EXPECT_EQ(run("help").out, run("--help").out);
  refused("help rum", "Unknown command: rum", "did you mean run?");
  refused("rum --help", "Unknown command: rum", "did you mean run?");
}

TEST_F(Help, HoldsNoWordsOfTheParsers) {
  for (const std::string command : kCommands)
    for (const std::string adapter : {"", " --adapter local", " --adapter e2b"}) {
      const bool uses_adapter = command == "run" || command.starts_with("resources") || command.ends_with("doctor");
      if (!adapter.empty() && !uses_adapter) continue;
      const std::string page = run(command + adapter + " --help").out;
      for (const char* raw : {"{false}", "{true}", " in [", ":INT", "UINT", "TEXT", "REQUIRED", ":{"})
        EXPECT_EQ(page.find(raw), std::string::npos) << raw << " in " << page;
    }
}

TEST_F(Help, TheExamplesOfEveryPageAreUnderstood) {
  ASSERT_EQ(run("run p.yaml").exit, 0);
  for (const std::string command : kCommands) {
    const std::string page = run(command + " --help").out;
    const size_t start = page.find("  osiris ", page.find("Example"));
    for (const std::string& line : split(page.substr(start, page.find("\n\n", start) - start), '\n')) {
      std::string words(trim(line));
      words = words.substr(std::string("osiris ").size());
      const bool is_for_a_shell = words.find_first_of("\"<") != std::string::npos;
      if (words.starts_with("init") || is_for_a_shell) continue;
      const Outcome outcome = run(words);
      EXPECT_EQ(outcome.err.find("Unknown"), std::string::npos) << words << outcome.err;
      EXPECT_EQ(outcome.err.find("shows how"), std::string::npos) << words << outcome.err;
    }
  }
}

TEST_F(Help, TheVersionIsAskedForInThreeWays) {
  const Outcome version = run("--version");
  EXPECT_EQ(version.exit, 0);
  EXPECT_EQ(run("version").out, version.out);
  EXPECT_EQ(run("-V").out, version.out);
  EXPECT_EQ(run("version --json").json()["version"], run("--version --json").json()["version"]);
}

TEST_F(Help, CommandsOfThePredecessorSayWhatReplacedThem) {
  refused("logs html --open", "There is no command osiris logs html", "osiris report RUN");
  refused("logs open last", "There is no command osiris logs open", "osiris report RUN");
  refused("logs bundle --session x -o f", "There is no command osiris logs bundle", "tar -czf");
  refused("logs gc --days 7", "There is no command osiris logs gc", "osiris clean");
  refused("logs aiop list", "There is no command osiris logs aiop", "summary.json");
  refused("logs aiop prune", "There is no command osiris logs aiop prune", "osiris clean");
  refused("maintenance clean --dry-run", "There is no command osiris maintenance clean", "osiris clean");
  refused("discovery run @mysql.shop", "There is no command osiris discovery run", "osiris connections doctor");
  refused("components validate mysql.extractor", "There is no command osiris components validate",
          "osiris components show");
  refused("components config-example mysql.extractor", "There is no command osiris components config-example",
          "osiris components show");
  refused("components discover mysql.extractor", "There is no command osiris components discover",
          "information_schema");
  for (const char* command : {"chat", "mcp run", "prompts list", "dump-prompts"})
    refused(command, "There is no command osiris " + std::string(command), "AI assistant");
  refused("test run", "There is no command osiris test run", "osiris validate FILE");
  refused("init --git", "Unknown option: --git", "git init");
  refused("runs list --tag nightly", "Unknown option: --tag", "--pipeline, --profile, --status and --since");
  refused("logs list --logs-dir x", "Unknown option: --logs-dir", "from any directory");
  EXPECT_EQ(run("logs html --json").json()["hint"].as_string().find("osiris report"), 0u);
}

TEST_F(Help, AFileWithoutACommandIsAnsweredWithTheCommand) {
  refused("p.yaml", "Unknown command: p.yaml", "osiris run p.yaml");
  refused("man", "There is no command osiris man", "osiris help");
  refused("run p.yaml --set a=b", "Unknown option: --set", "--param NAME=VALUE");
}

TEST_F(Help, QuietSaysNothingOfASuccessAndAllOfAnError) {
  for (const char* line : {"run p.yaml -q", "-q compile p.yaml", "clean --quiet"}) {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit, 0) << line << outcome.err;
    EXPECT_EQ(outcome.out + outcome.err, "") << line;
  }
  EXPECT_NE(run("runs list -q").out.find("success"), std::string::npos) << "what was asked for is printed";
  project_.write(
      "p.yaml",
      oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: gone.csv}}\n"}));
  const Outcome failed = run("run p.yaml -q");
  EXPECT_NE(failed.exit, 0);
  EXPECT_EQ(failed.out, "");
  EXPECT_NE(failed.err.find("gone.csv"), std::string::npos) << failed.err;
}

TEST_F(Help, VerboseSaysWhatARunIsMadeOfAndWhatItsStepsDo) {
  const Outcome plain = run("run p.yaml"), verbose = run("run p.yaml -v");
  for (const std::string& line :
       {"  Project:  " + project_.dir().string() + "\n", std::string("  Build:    "), std::string("  Adapter:  local "),
        std::string("  Worker:   "), std::string("[local] save: inputs_resolved "),
        std::string("[local] save: output_written ")}) {
    EXPECT_NE(verbose.out.find(line), std::string::npos) << line << "\n" << verbose.out;
    EXPECT_EQ(plain.out.find(line), std::string::npos) << line;
  }
}

TEST_F(Help, EveryFailureIsSaidOnce) {
  const auto count = [](const std::string& text, const std::string& part) {
    size_t times = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++times;
    return times;
  };
  project_.write("bad.yaml", oml("bad", {mock_step("one", "fail: boom-boom"), mock_step("two", "", "one")}));
  const Outcome failed = run("run bad.yaml --allow-mock");
  EXPECT_EQ(failed.exit, 1);
  EXPECT_EQ(count(failed.out + failed.err, "boom-boom"), 1u) << failed.out << failed.err;
  EXPECT_NE(failed.err.find("boom-boom"), std::string::npos) << failed.err;
  project_.write("wrong.yaml", "oml_version: \"0.1.0\"\nname: x\nsteps: 3\n");
  for (const char* line : {"run wrong.yaml", "run wrong.yaml --dry-run", "compile wrong.yaml"}) {
    const Outcome outcome = run(line);
    EXPECT_EQ(count(outcome.out + outcome.err, "steps must be a list"), 1u) << line << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find("wrong.yaml does not compile: 1 error\n"), std::string::npos) << line << outcome.err;
  }
}

TEST_F(Help, AMemoryLimitThatNoWorkerCanKeepIsRefused) {
  refused("run p.yaml --memory-limit 1B", "--memory-limit: 1 B is less than a worker can be held to", "112.0 MiB");
  refused("run p.yaml --memory-limit 4", "--memory-limit: '4' has no unit", "write 4GiB or 4MiB");
  refused("run p.yaml --memory-limit 111MiB", "--memory-limit: 111.0 MiB is less", "--memory-limit 512MiB");
  EXPECT_TRUE(project_.sessions().empty());
  EXPECT_EQ(run("run p.yaml --memory-limit 112MiB").exit, 0);
}

TEST_F(Help, EveryComponentIsShownWithItsKeysItsTypesAndAnExample) {
  size_t shown = 0;
  const Json components = project_.osiris({"components", "list", "--json"}).json();
  for (const Json& component : components.items()) {
    const std::string& name = component["name"].as_string();
    const std::string page = run("components show " + name).out;
    for (const std::string& part : {std::string("Config key"), std::string("\nTypes:\n  "), std::string("\nExample: "),
                                    "\n    component: " + name + "\n"})
      EXPECT_NE(page.find(part), std::string::npos) << name << part;
    ++shown;
  }
  EXPECT_GE(shown, 21u);
}

TEST_F(Help, AComponentIsShownWholeAndInTheWordsOfAPipeline) {
  const std::string page = run("components show mysql.extractor").out;
  for (const char* part :
       {"\nmode: read\n", "connection: \"@mysql.ALIAS\"", "\nExactly one of: query, table\n", "password",
        "no, it is secret", "ssl_mode", "disabled | preferred | required | verify_ca | verify_identity",
        "integer 1 to 65535", "string or null",
        "\nExample: A query\n  - id: my-step\n    component: mysql.extractor\n    mode: read\n",
        "      connection: '@mysql.shop'\n"})
    EXPECT_NE(page.find(part), std::string::npos) << part << "\n" << page;
  EXPECT_EQ(page.find("…"), std::string::npos) << "nothing is cut";
  EXPECT_EQ(page.find("extract\n"), std::string::npos) << page;
  EXPECT_EQ(run("components list").out.find("…"), std::string::npos);
  EXPECT_NE(run("components list --mode read").out.find("mysql.extractor"), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2e
