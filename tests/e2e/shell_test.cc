// What shells, editors and other programs ask of osiris: completion, the graph, the meaning of a code.
#include <gmock/gmock.h>

#include <set>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Shell : public testing::Test {
 protected:
  Shell() {
    project_.write("in.csv", "id\n1\n");
    project_.write(
        "p.yaml",
        oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                  "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  mysql:\n    shop: {host: h, database: d, user: u}\n");
  }

  // The words that are offered after `words`, of which the last one is being typed.
  std::vector<std::string> offered(std::vector<std::string> words) const {
    words.insert(words.begin(), {"complete", "--"});
    const Outcome outcome = project_.osiris(words);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    std::vector<std::string> found;
    for (const std::string& line : split(outcome.out, '\n'))
      if (!line.empty()) found.push_back(line.substr(0, line.find('\t')));
    return found;
  }

  // The shared objects that osiris opens while it answers, as the loader tells of them.
  std::vector<std::string> opened_for(const std::vector<std::string>& words) {
    project_.set("LD_DEBUG", "files");
    project_.set("LD_DEBUG_OUTPUT", project_.dir() / "loader");
    offered(words);
    project_.set("LD_DEBUG", "");
    std::vector<std::string> opened;
    for (const auto& file : std::filesystem::directory_iterator(project_.dir())) {
      if (!file.path().filename().string().starts_with("loader")) continue;
      for (const std::string& line : split(project_.read(file.path().filename()), '\n'))
        if (line.find("dynamically loaded by") != std::string::npos) opened.push_back(line);
      std::filesystem::remove(file.path());
    }
    return opened;
  }

  Project project_;
};

TEST_F(Shell, CommandsAndTheirFlagsAreCompleted) {
  EXPECT_THAT(offered({""}), AllOf(Contains("run"), Contains("validate"), Contains("completion")));
  EXPECT_EQ(offered({"va"}), std::vector<std::string>{"validate"});
  EXPECT_EQ(offered({"logs", "la"}), std::vector<std::string>{"last"});
  EXPECT_THAT(offered({"run", "--dr"}), Contains("--dry-run"));
  EXPECT_THAT(offered({"run", "--"}), AllOf(Contains("--json"), Not(Contains("--allow-mock"))));
}

TEST_F(Shell, AnAdaptersFlagsAreCompletedOnceItIsNamed) {
  EXPECT_THAT(offered({"run", "p.yaml", "--e2b-le"}), testing::IsEmpty());
  EXPECT_THAT(offered({"run", "p.yaml", "--e2b", "--e2b-le"}), Contains("--e2b-lease"));
  EXPECT_THAT(offered({"run", "p.yaml", "--adapter", "e2b", "--e2b-le"}), Contains("--e2b-lease"));
}

TEST_F(Shell, NoAdapterIsOpenedForAWordThatIsNoFlag) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{""}, {"run", ""}, {"show", "re"}, {"show", "read", ""}, {"connections", "doctor", ""}})
    EXPECT_THAT(opened_for(words), testing::IsEmpty()) << testing::PrintToString(words);
  EXPECT_THAT(opened_for({"run", "--"}), Contains(HasSubstr("local.so")));
}

TEST_F(Shell, NamesOfTheProjectAreCompleted) {
  EXPECT_EQ(offered({"run", "--adapter", "l"}), std::vector<std::string>{"local"});
  EXPECT_EQ(offered({"run", "p.yaml", "--profile", "st"}), std::vector<std::string>{"staging"});
  EXPECT_EQ(offered({"components", "show", "postgres.w"}), std::vector<std::string>{"postgres.writer"});
  EXPECT_EQ(offered({"connections", "doctor", "--connection-id", "@"}), std::vector<std::string>{"@mysql.shop"});
  EXPECT_EQ(offered({"validate", "--mode", "s"}), std::vector<std::string>{"strict"});
  EXPECT_THAT(offered({"explain", "sql_"}), Contains("sql_error"));
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_EQ(offered({"logs", "show", ""}).size(), 1u);
  EXPECT_EQ(offered({"show", ""}), (std::vector<std::string>{"read", "save"}));
  EXPECT_EQ(offered({"show", "read", "--run", "run-"}).size(), 1u);
  EXPECT_EQ(offered({"sql", "run-"}).size(), 1u);
  EXPECT_EQ(offered({"sql", "--format", "p"}), std::vector<std::string>{"parquet"});
  EXPECT_THAT(offered({"diff", ""}), AllOf(Contains(":files"), testing::SizeIs(2)));
}

TEST_F(Shell, FilesAreLeftToTheShell) {
  EXPECT_EQ(offered({"run", ""}), std::vector<std::string>{":files"});
  EXPECT_EQ(offered({"init", ""}), std::vector<std::string>{":directories"});
}

TEST_F(Shell, ABrokenProjectOffersNothingAndSaysNothing) {
  project_.write("osiris_connections.yaml", "connections: [\n");
  EXPECT_THAT(offered({"connections", "doctor", "--connection-id", ""}), testing::IsEmpty());
  EXPECT_THAT(offered({"run", "--dr"}), Contains("--dry-run"));
}

TEST_F(Shell, BashCompletesWithTheScript) {
  const std::string script =
      "source <(osiris completion bash)\n"
      "type() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _osiris; printf '%s\\n' "
      "\"${COMPREPLY[@]}\"; }\n"
      "compopt() { :; }\n"
      "type osiris vali; type osiris run p.y\n";
  const Outcome outcome = project_.shell_in(project_.dir(), script);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "validate\np.yaml\n");
}

// What the shell would offer: fish says it, and in zsh the functions that show it are the test's.
TEST_F(Shell, FishAndZshCompleteWithTheirScripts) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  const auto offered_by = [&](const std::string& shell, const std::string& script) -> std::string {
    project_.write("script", script);
    const Outcome outcome =
        project_.shell_in(project_.dir(), "command -v " + shell + " > /dev/null || exit 77; " + shell +
                                              (shell == "zsh" ? " -f" : " --no-config") + " script");
    if (outcome.exit == 77) {
      EXPECT_EQ(getenv("CI"), nullptr) << "CI needs " << shell;
      return "";
    }
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome.out;
  };
  const std::string fish = offered_by("fish",
                                      "source (osiris completion fish | psub)\n"
                                      "complete -C 'osiris vali'; complete -C 'osiris run p.y'\n"
                                      "complete -C 'osiris show re'\n");
  if (!fish.empty()) {
    EXPECT_EQ(fish, "validate\tCheck pipelines, or the project itself\np.yaml\nread\tfilesystem.csv_extractor\n");
  }
  const std::string zsh = offered_by("zsh",
                                     "compdef() { print compdef \"$@\" }\n"
                                     "_describe() { print -l -- \"${(@P)2}\" }\n"
                                     "_files() { print -- files }\n"
                                     "source <(osiris completion zsh)\n"
                                     "type_words() { words=(osiris \"$@\"); CURRENT=$#words; _osiris }\n"
                                     "type_words vali; type_words run p.y; type_words show re\n");
  if (!zsh.empty()) {
    EXPECT_EQ(zsh,
              "compdef _osiris osiris\nvalidate:Check pipelines, or the project itself\nfiles\n"
              "read:filesystem.csv_extractor\n");
  }
}

TEST_F(Shell, GraphsNameStepsAndWhoReadsWhom) {
  EXPECT_EQ(project_.osiris({"graph", "p.yaml"}).out,
            "flowchart TD\n  s0[\"read<br/><small>filesystem.csv_extractor</small>\"]\n"
            "  s1[\"save<br/><small>filesystem.csv_writer</small>\"]\n  s0 --> s1\n");
  EXPECT_THAT(project_.osiris({"graph", "p.yaml", "--format", "dot"}).out,
              AllOf(HasSubstr("digraph \"p\""), HasSubstr("\"read\" -> \"save\";")));
  EXPECT_THAT(project_.osiris({"graph", "p.yaml", "--format", "svg"}).out,
              AllOf(testing::StartsWith("<svg "), HasSubstr(">read</text>"), testing::EndsWith("</svg>\n")));
  const Json document = project_.osiris({"graph", "p.yaml", "--json"}).json();
  EXPECT_EQ(document["steps"].items().at(1)["needs"].dump(), "[\"read\"]");
  project_.write("bad.yaml", oml("p", {"  - {id: a, component: nothing}\n"}));
  EXPECT_EQ(project_.osiris({"graph", "bad.yaml"}).exit, 2);
}

TEST_F(Shell, EveryCodeOfThePagesIsExplained) {
  std::set<std::string> explained;
  const Json all = project_.osiris({"explain", "--json"}).json();
  for (const Json& code : all.items()) {
    EXPECT_TRUE(explained.insert(code["code"].as_string()).second) << code.dump();
    EXPECT_FALSE(code["meaning"].as_string().empty()) << code.dump();
  }
  EXPECT_GT(explained.size(), 90u);
  EXPECT_THAT(explained, AllOf(Contains("sql_error"), Contains("pasted_sql_value"), Contains("runtime.timeout")));
  EXPECT_THAT(project_.osiris({"explain", "connection.auth_failed"}).out,
              HasSubstr("the user, password, key or log-in method was refused"));
  const Outcome wrong = project_.osiris({"explain", "sql_eror"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean sql_error?"));
}

TEST_F(Shell, TheDoctorNamesWhatIsBrokenAndARemedy) {
  const auto status_of = [](const Json& report, const std::string& check) {
    std::string status;
    for (const Json& each : report["checks"].items())
      if (each["check"].as_string() == check && status != "error") status = each["status"].as_string();
    return status;
  };
  const Outcome well = project_.osiris({"doctor"});
  EXPECT_EQ(well.exit, 0) << well.out << well.err;
  EXPECT_THAT(well.out, HasSubstr("E2B_API_KEY is not set")) << "an adapter without its key";
  const Json healthy = project_.osiris({"doctor", "--json"}).json();
  EXPECT_TRUE(healthy["healthy"].as_bool()) << healthy.dump_pretty();
  EXPECT_EQ(status_of(healthy, "worker"), "ok");
  EXPECT_EQ(status_of(healthy, "kernel"), "ok");
  const Outcome narrow = project_.shell_in(project_.dir(), "ulimit -n 200; osiris doctor --json");
  EXPECT_EQ(status_of(narrow.json(), "kernel"), "warning") << narrow.out;
  EXPECT_THAT(narrow.out, HasSubstr("ulimit -n"));

  project_.write("osiris_connections.yaml", "version: 1\nconnections:\n  mysql:\n    shop: {host: h, prot: 1}\n");
  project_.set("OSIRIS_WORKER", "/bin/false");
  const Outcome ill = project_.osiris({"doctor", "--json"});
  EXPECT_EQ(ill.exit, 3);
  EXPECT_EQ(status_of(ill.json(), "worker"), "error") << ill.out;
  EXPECT_EQ(status_of(ill.json(), "connections"), "error") << ill.out;
  EXPECT_FALSE(ill.json()["healthy"].as_bool());
}

TEST_F(Shell, SchemasAreWrittenIntoTheProject) {
  ASSERT_EQ(project_.osiris({"schema", "--write"}).exit, 0);
  const auto written = read_file(project_.dir() / ".osiris/schemas/pipeline.json");
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(parse_json(*written)->dump(), project_.osiris({"schema"}).json().dump());
  EXPECT_TRUE(project_.osiris({"schema", "connections"}).json()["properties"]["connections"].is_object());
}

}  // namespace
}  // namespace osiris::e2e
