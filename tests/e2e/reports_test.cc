// What a run leaves for build servers.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

class Reports : public testing::Test {
 protected:
  Reports() {
    project_.write("in.csv", "id\n1\n2\n");
    write_pipeline("SELECT id FROM df_read");
  }

  void write_pipeline(const std::string& query) {
    project_.write(
        "p.yaml",
        oml("nightly",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
             "  - {id: query, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  }

  // What Python's reader finds in the report: a line for the suite, one for each case.
  std::string read_report(const std::string& file) const {
    project_.write(
        "read.py",
        "import sys, xml.etree.ElementTree as tree\n"
        "suite = tree.parse(sys.argv[1]).getroot().find('testsuite')\n"
        "print(*[suite.get(name) for name in ('name', 'tests', 'failures', 'skipped')])\n"
        "for case in suite.iter('testcase'):\n"
        "    result = case.find('failure'), case.find('skipped')\n"
        "    print(case.get('name'), *[f'{r.tag} {r.get(\"type\")} {r.get(\"message\")}' for r in result if r is not "
        "None])\n");
    const Outcome outcome = project_.shell_in(project_.dir(), "python3 read.py " + file);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome.out;
  }

  mutable Project project_;
};

TEST_F(Reports, JunitHasACaseForEachStep) {
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--report", "junit=made/run.xml"}).exit, 0);
  EXPECT_EQ(read_report("made/run.xml"), "nightly 3 0 0\nread\nquery\nsave\n");
}

TEST_F(Reports, JunitNamesTheStepThatFailedAndThoseItStopped) {
  write_pipeline("SELECT error('<no> & \\u0001way') AS id FROM df_read");
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--report", "junit=run.xml"}).exit, 1);
  const std::string report = read_report("run.xml");
  EXPECT_THAT(report, HasSubstr("nightly 3 1 1\nread\nquery failure transform.failed"));
  EXPECT_THAT(report, HasSubstr("<no> & ?way"));
  EXPECT_THAT(report, HasSubstr("save skipped None step 'query' failed"));
}

TEST_F(Reports, JunitOfAPipelineThatDoesNotCompileHasItsFindings) {
  write_pipeline("SELECT nothing FROM df_read");
  project_.write("bad.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  EXPECT_EQ(project_.osiris({"run", "bad.yaml", "--report", "junit=run.xml"}).exit, 2);
  EXPECT_THAT(read_report("run.xml"), HasSubstr("failure unknown_component"));
}

TEST_F(Reports, AReportThatCannotBeWrittenIsNoSuccess) {
  project_.write("file", "");
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--report", "junit=file/run.xml"});
  EXPECT_NE(outcome.exit, 0);
  EXPECT_THAT(outcome.err, HasSubstr("--report failed"));
  const Outcome wrong = project_.osiris({"run", "p.yaml", "--report", "html=x"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--report junit=FILE"));
}

TEST_F(Reports, GitlabHasAnIssueForEachFinding) {
  write_pipeline("SELECT error('<no> way') AS id FROM df_read");
  project_.set("CI_PROJECT_DIR", project_.dir().parent_path().string());
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--report", "gitlab=made/quality.json"}).exit, 1);
  const Json issues = *parse_json(project_.read("made/quality.json"));
  ASSERT_EQ(issues.size(), 1u) << issues.dump();
  const Json& issue = issues.items()[0];
  EXPECT_THAT(issue["description"].as_string(), HasSubstr("step 'query' failed"));
  EXPECT_EQ(issue["severity"].as_string(), "major");
  EXPECT_EQ(issue["location"]["path"].as_string(), project_.dir().filename().string() + "/p.yaml");
  EXPECT_GT(issue["location"]["lines"]["begin"].as_int(), 1);
  project_.write("bad.yaml", oml("bad", {"  - {id: a, component: nothing, mode: read}\n"}));
  EXPECT_EQ(project_.osiris({"run", "bad.yaml", "--report", "gitlab=quality.json"}).exit, 2);
  EXPECT_EQ((*parse_json(project_.read("quality.json"))).items().at(0)["check_name"].as_string(), "unknown_component");
  write_pipeline("SELECT id FROM df_read");
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--report", "gitlab=quality.json"}).exit, 0);
  EXPECT_EQ(project_.read("quality.json"), "[]\n");
}

TEST_F(Reports, TheSummaryOfAJobInGithubActionsHasTheRun) {
  const auto file = project_.write("summary.md", "before\n");
  project_.set("GITHUB_STEP_SUMMARY", file.string());
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_EQ(project_.read("summary.md"), "before\n") << "the variable alone may be a leftover";
  project_.set("GITHUB_ACTIONS", "true");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_THAT(project_.read("summary.md"), HasSubstr("before\n# nightly: success\n"));
  project_.set("GITHUB_STEP_SUMMARY", (project_.dir() / "no/such/file").string());
  const Outcome run = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 0);
  EXPECT_THAT(run.err, HasSubstr("GITHUB_STEP_SUMMARY"));
}

TEST_F(Reports, ExclusiveRunsOfOnePipelineDoNotOverlap) {
  project_.write("wait.yaml", oml("wait", {mock_step("hang", "say: here, sleep_ms: 60000")}));
  Running first = project_.start({"run", "wait.yaml", "--exclusive", "--allow-mock", "--verbose"});
  first.until("here");
  const Outcome second = project_.osiris({"run", "wait.yaml", "--exclusive", "--allow-mock"});
  EXPECT_EQ(second.exit, 3);
  EXPECT_THAT(second.err, HasSubstr("another exclusive run of 'wait' is going on"));
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--exclusive"}).exit, 0);
  first.kill(SIGKILL);
  first.end();
  project_.write("wait.yaml", oml("wait", {mock_step("hang", "rows: 1")}));
  EXPECT_EQ(project_.osiris({"run", "wait.yaml", "--exclusive", "--allow-mock"}).exit, 0);
}

TEST_F(Reports, SchedulesAreRenderedForWhatStartsThem) {
  const auto rendered = [&](const std::string& schedule, const std::string& form) {
    project_.write("p.yaml", "schedule: " + schedule + "\n" + oml("nightly", {mock_step("a", "rows: 1")}));
    const Outcome outcome = project_.osiris({"schedule", "render", "p.yaml", form});
    return outcome.exit == 0 ? outcome.out : std::to_string(outcome.exit) + outcome.err;
  };
  const std::string timer = rendered("{cron: \"30 3 * * 1-5\", timezone: Europe/Prague}", "--systemd");
  EXPECT_THAT(timer, HasSubstr("\nOnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 03:30:00 Europe/Prague\n"));
  EXPECT_THAT(timer, HasSubstr(" run --exclusive \"p.yaml\"\n"));
  EXPECT_THAT(timer, HasSubstr("\nWorkingDirectory=" + project_.dir().string() + "\n")) << "systemd takes no quotes";
  const std::string line = rendered("{cron: \"*/15 8-18 1 * *\", timezone: Europe/Prague}", "--cron");
  EXPECT_THAT(line, HasSubstr("\nCRON_TZ=Europe/Prague\n*/15 8-18 1 * * cd "));
  EXPECT_THAT(line, testing::StartsWith("# Cronie knows CRON_TZ")) << "others start it at another time without a word";
  EXPECT_THAT(rendered("daily", "--kubernetes"), HasSubstr("schedule: \"0 0 * * *\""));
  EXPECT_THAT(rendered("daily", "--github"), HasSubstr("- cron: \"0 0 * * *\""));
  EXPECT_THAT(rendered("{cron: daily, timezone: Europe/Prague}", "--github"), HasSubstr("UTC only"));
  EXPECT_THAT(rendered("\"61 3 * * *\"", "--cron"), HasSubstr("'61' is no minute"));
}

TEST_F(Reports, AScheduleHasANameThatItsServiceTakes) {
  const auto named = [&](const std::string& name, const std::string& form, const std::string& key) {
    project_.write("p.yaml", "schedule: daily\n" + oml(name, {mock_step("a", "rows: 1")}));
    const std::string text = project_.osiris({"schedule", "render", "p.yaml", form}).out;
    const size_t from = text.find(key) + key.size();
    return text.substr(from, text.find('\n', from) - from);
  };
  const auto cron_job = [&](const std::string& name) { return named(name, "--kubernetes", "\n  name: "); };
  EXPECT_EQ(cron_job("nightly"), "osiris-nightly");
  EXPECT_EQ(cron_job(std::string(45, 'n')), "osiris-" + std::string(45, 'n')) << "52 characters";
  // Names that begin alike stay apart, and each is the same every time.
  const std::string one = cron_job(std::string(70, 'n') + "1"), two = cron_job(std::string(70, 'n') + "2");
  EXPECT_NE(one, two);
  EXPECT_EQ(one, cron_job(std::string(70, 'n') + "1"));
  const std::string cut = cron_job(std::string(34, 'n') + "--" + std::string(30, 'm'));
  for (const std::string& name : {one, two, cut, cron_job("Noční_běh"), cron_job("ночь")})
    EXPECT_THAT(name, testing::MatchesRegex("[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")) << name.size();
  EXPECT_NE(cron_job("ночь"), cron_job("день"));
  const std::string unit = named(std::string(300, 'n'), "--systemd", "# ~/.config/systemd/user/");
  EXPECT_EQ(unit.size(), 255u) << unit;
  EXPECT_THAT(unit, testing::EndsWith(".service"));
  EXPECT_LE(named(std::string(300, 'n'), "--github", "# .github/workflows/").size(), 255u);
}

TEST_F(Reports, GitHubShowsFindingsAtTheirLines) {
  project_.write("jobs/bad.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  EXPECT_THAT(project_.osiris({"validate", "jobs/bad.yaml"}).err, Not(HasSubstr("::error")));
  project_.set("GITHUB_ACTIONS", "true");
  project_.set("GITHUB_WORKSPACE", project_.dir().parent_path().string());
  const std::string below = project_.dir().filename().string();
  EXPECT_THAT(project_.osiris({"validate", "jobs/bad.yaml"}).err,
              HasSubstr("::error file=" + below + "/jobs/bad.yaml,line=4,col="));
  write_pipeline("SELECT error('50% a:b') AS id FROM df_read");
  const Outcome failed = project_.osiris({"run", "p.yaml", "--json"});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_THAT(failed.err, HasSubstr("::error file=" + below + "/p.yaml,line=5,"));
  EXPECT_THAT(failed.err, HasSubstr("title=transform.failed::step 'query' failed: "));
  EXPECT_THAT(failed.err, HasSubstr("50%25 a:b"));
  EXPECT_TRUE(failed.json().is_object());
}

}  // namespace
}  // namespace osiris::e2e
