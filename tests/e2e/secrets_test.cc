// Canaries: secrets planted wherever a user keeps them, runs that succeed and fail, and then every byte that was
// written anywhere searched for them, in every spelling a program could have used.
#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/file.h"
#include "protocol/base/redact.h"
#include "tests/e2e/project.h"
#include "tests/unit/base/secret_field_names.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kCanaries = {"cAn4ry/p@ss+word 1", "cAn4ry-t0ken-2-xyzzy", "cAn4ry=lent&var%3",
                                            "cAn4ry-direct-4-plugh", "cAn4ry-named-5-frotz"};

class Canaries : public testing::Test {
 protected:
  Canaries() {
    project_.write(".env", "SHOP_PASSWORD=\"" + kCanaries[0] + "\"\n", 0600);
    project_.set("SHOP_TOKEN", kCanaries[1]);
    project_.set("LENT", kCanaries[2]);
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  mock:\n    shop:\n      default: true\n      host: db.example.org\n"
                   "      password: ${SHOP_PASSWORD}\n      auth_token: ${SHOP_TOKEN}\n" +
                       under_every_name(),
                   0600);
  }
  // One value under all names, written into the file as it is.
  static std::string under_every_name() {
    std::string fields;
    for (const std::string name : kSecretFieldNames)
      if (name != "password") fields += "      " + name + ": " + kCanaries[4] + "\n";
    return fields;
  }
  std::string pipeline(const char* config) {
    return oml("canary",
               {"  - id: leak\n    component: mock\n    mode: read\n    config: {connection: \"@mock.shop\", " +
                std::string(config) + "}\n"});
  }
  void search(const Outcome& outcome) {
    for (const std::string& canary : kCanaries)
      for (const std::string& spelling : secret_spellings(canary)) {
        EXPECT_EQ(outcome.out.find(spelling), std::string::npos) << "stdout has " << spelling;
        EXPECT_EQ(outcome.err.find(spelling), std::string::npos) << "stderr has " << spelling;
        for (const auto& [name, content] : project_.tree()) {
          if (name == "project/.env" || (name == "project/osiris_connections.yaml" && canary == kCanaries[4])) continue;
          EXPECT_EQ(content.find(spelling), std::string::npos) << name << " has " << spelling;
          EXPECT_EQ(name.find(spelling), std::string::npos);
        }
      }
  }
  Project project_;
};

TEST_F(Canaries, AreNowhereAfterASuccess) {
  project_.write("p.yaml", pipeline("rows: 3"));
  const Outcome run = project_.osiris({"run", "p.yaml", "--allow-mock", "--verbose", "--local-pass-env", "LENT",
                                       "--local-env", "DIRECT=" + kCanaries[3]});
  EXPECT_EQ(run.exit, 0) << run.out << run.err;
  search(run);
}

TEST_F(Canaries, AreNowhereAfterADriverPrintedThemEverywhere) {
  project_.set("OSIRIS_RPC_DEBUG", "1");
  project_.write("p.yaml", pipeline("print_secrets: true"));
  for (const char* form : {"--verbose", "--json"}) {
    const Outcome run = project_.osiris(
        {"run", "p.yaml", "--allow-mock", form, "--local-pass-env", "LENT", "--local-env", "DIRECT=" + kCanaries[3]});
    EXPECT_EQ(run.exit, 1) << run.out << run.err;
    EXPECT_FALSE(Project::events(project_.session(), "mock_secret").empty());
    search(run);
  }
}

// What `ps` and /proc show to whoever looks while it runs: of osiris, its worker and all they started.
TEST_F(Canaries, AreInNoArgumentAndNoEnvironmentWhileItRuns) {
  project_.write("p.yaml", oml("canary", {"  - id: wait\n    component: mock\n    mode: read\n    config: {connection: "
                                          "\"@mock.shop\", child: true, hang: politely}\n"}));
  Running running = project_.start({"run", "p.yaml", "--allow-mock", "--local-pass-env", "LENT"});
  running.until("wait: Starting");
  const pid_t child = static_cast<pid_t>(project_.await_event("mock_child")["pid"].as_int());
  const pid_t worker = static_cast<pid_t>(project_.await_event("worker_started")["pid"].as_int());
  ASSERT_GT(child, 0);
  ASSERT_GT(worker, 0);
  const auto proc = [](pid_t pid, const char* file) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/" + file);
    EXPECT_TRUE(text.ok()) << file;
    return text.ok() ? *text : "";
  };
  std::map<std::string, std::string> seen = {{"cmdline of osiris", proc(running.pid(), "cmdline")}};
  for (const pid_t pid : {worker, child})
    for (const char* file : {"cmdline", "environ"}) seen[std::to_string(pid) + " " + file] = proc(pid, file);
  for (const std::string& canary : kCanaries)
    for (const std::string& spelling : secret_spellings(canary))
      for (const auto& [what, text] : seen)
        EXPECT_EQ(text.find(spelling), std::string::npos) << what << " has " << spelling;
  // The twin: osiris was given this one in its environment, so the search would find it there.
  EXPECT_NE(proc(running.pid(), "environ").find(kCanaries[1]), std::string::npos);
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
}

TEST_F(Canaries, ReachTheDriverAllTheSame) {
  // The twin of the search: a masked text proves that there was a value to mask.
  project_.write("p.yaml", pipeline("print_secrets: true"));
  const Outcome run = project_.osiris({"run", "p.yaml", "--allow-mock", "--local-pass-env", "LENT"});
  const auto events = Project::events(project_.session(), "mock_secret");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_NE(events[0]["text"].as_string().find("***"), std::string::npos) << events[0].dump();
  EXPECT_NE(events[0]["text"].as_string().find("db.example.org"), std::string::npos) << events[0].dump();
}

TEST_F(Canaries, AreNowhereInWhatOtherCommandsSay) {
  project_.write("p.yaml", pipeline("rows: 3"));
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"connections", "list"},
                                             {"connections", "list", "--json"},
                                             {"compile", "p.yaml", "--allow-mock"},
                                             {"validate", "--allow-mock"},
                                             {"run", "p.yaml", "--allow-mock", "--dry-run"},
                                             {"run", "p.yaml", "--allow-mock", "--dry-run", "--json"}}) {
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << arguments[0] << outcome.out << outcome.err;
    search(outcome);
  }
  EXPECT_NE(project_.osiris({"run", "p.yaml", "--allow-mock", "--dry-run"}).out.find("connection/mock.shop/password"),
            std::string::npos);
}

TEST_F(Canaries, AMissingOneIsNamedAndNothingRuns) {
  fs::remove(project_.dir() / ".env");
  project_.write("p.yaml", pipeline("rows: 3"));
  const Outcome run = project_.osiris({"run", "p.yaml", "--allow-mock"});
  EXPECT_EQ(run.exit, 2);
  EXPECT_NE(run.err.find("SHOP_PASSWORD"), std::string::npos) << run.err;
}

TEST_F(Canaries, AParameterNamedLikeASecretIsMaskedInTheRecord) {
  project_.write("p.yaml",
                 "oml_version: \"0.1.0\"\nname: x\nparams:\n  api_key: {type: string, default: none}\nsteps:\n" +
                     mock_step("a", "rows: 1"));
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--allow-mock", "--param", "api_key=cAn4ry-direct-4-plugh"}).exit, 0);
  const auto started = Project::events(project_.session(), "run_start");
  ASSERT_FALSE(started.empty());
  EXPECT_EQ(project_.read(project_.session() / "events.jsonl").find("cAn4ry-direct-4-plugh"), std::string::npos);
}

TEST(InlineSecrets, AreNotShownByTheFindingsThatRefuseThem) {
  const Project project;
  project.write(
      "p.yaml",
      oml("inline", {"  - {id: a, component: mysql.extractor, mode: read, config: {password: cAn4ry-6-plover, "
                     "query: SELECT 1}}\n"}));
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"validate", "p.yaml"},
                                             {"validate", "p.yaml", "--json"},
                                             {"compile", "p.yaml", "--json"},
                                             {"run", "p.yaml", "--json"},
                                             {"run", "p.yaml", "--dry-run", "--json"}}) {
    const Outcome outcome = project.osiris(command);
    EXPECT_EQ(outcome.exit, 2);
    EXPECT_NE((outcome.out + outcome.err).find("password"), std::string::npos) << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find("cAn4ry-6"), std::string::npos) << outcome.out << outcome.err;
  }
  for (const auto& [name, content] : project.tree())
    EXPECT_TRUE(name == "project/p.yaml" || content.find("cAn4ry-6") == std::string::npos) << name;
}

}  // namespace
}  // namespace osiris::e2e
