// osiris report: the record of a run as a page, and what it says when there is none.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

class ReportPage : public testing::Test {
 protected:
  ReportPage() {
    project_.write("in.csv", "id,name\n1,<b>one</b>\n2,two\n");
    project_.write(
        "p.yaml",
        oml("nightly", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                        "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv, "
                        "delimiter: ';'}}\n"}));
  }

  std::string page(const std::vector<std::string>& arguments = {"report"}) const {
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    std::string file = outcome.out;
    if (file.ends_with('\n')) file.pop_back();
    return project_.read(file);
  }

  Project project_;
};

TEST_F(ReportPage, ShowsWhatRanAndTheRowsItWrote) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  const Outcome outcome = project_.osiris({"report"});
  EXPECT_THAT(outcome.out, EndsWith("/report.html\n"));
  EXPECT_EQ(fs::path(outcome.out).parent_path(), project_.session());
  const std::string text = page();
  for (const char* part : {"<h1>nightly</h1>", "success</span>", ">read</th>", ">save</th>", "filesystem.csv_writer",
                           "&lt;b&gt;one&lt;/b&gt;", "out.csv", "2 of 2", "Graph of the steps"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(page({"report", "--no-previews"}), Not(HasSubstr("&lt;b&gt;one")));
}

TEST_F(ReportPage, ShowsTheErrorAndItsHint) {
  project_.write("in.csv", "id,name\n1,one,more\n");
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 1);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("<b>Hint:</b>"));
  EXPECT_THAT(text, HasSubstr("in step <code>read</code>"));
  EXPECT_THAT(text, HasSubstr("because of read"));
}

TEST_F(ReportPage, OfARunWhoseHostWasKilled) {
  project_.write("wait.yaml", oml("wait", {mock_step("hang", "say: here, sleep_ms: 60000")}));
  Running running = project_.start({"run", "wait.yaml", "--allow-mock", "--verbose"});
  running.until("here");
  running.kill(SIGKILL);
  running.end();
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("interrupted"));
  EXPECT_THAT(text, HasSubstr("did not end"));
}

TEST_F(ReportPage, OfAPipelineThatDoesNotCompile) {
  project_.write("bad.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  ASSERT_EQ(project_.osiris({"run", "bad.yaml"}).exit, 2);
  EXPECT_THAT(page(), HasSubstr("unknown_component"));
}

TEST_F(ReportPage, IsWrittenByEveryRunOfAProjectThatAsksForIt) {
  project_.write("osiris.yaml", "report: true\n");
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Report: "));
  EXPECT_THAT(outcome.out, EndsWith("Session: " + project_.session().string() + "/\n"));
  EXPECT_THAT(project_.read(project_.session() / "report.html"), HasSubstr("<h1>nightly</h1>"));
  project_.write("bad.yaml", oml("bad", {"  - {id: a, component: nothing}\n"}));
  EXPECT_EQ(project_.osiris({"run", "bad.yaml"}).exit, 2);
  EXPECT_TRUE(fs::exists(project_.session() / "report.html"));
  project_.write("osiris.yaml", "report: maybe\n");
  const Outcome wrong = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("report must be a boolean"));
}

TEST_F(ReportPage, GoesWhereTheUserSays) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  EXPECT_EQ(project_.osiris({"report", "nightly/1", "-o", "made/here.html"}).exit, 0);
  EXPECT_THAT(project_.read("made/here.html"), HasSubstr("<h1>nightly</h1>"));
  EXPECT_THAT(project_.osiris({"report", "-o", "-"}).out, HasSubstr("</html>"));
  const Json document = project_.osiris({"report", "--json"}).json();
  EXPECT_EQ(document["status"].as_string(), "success");
  EXPECT_EQ(document["size_bytes"].as_uint(), fs::file_size(document["file"].as_string()));
  project_.write("file", "");
  const Outcome blocked = project_.osiris({"report", "-o", "file/run.html"});
  EXPECT_EQ(blocked.exit, 2);
  EXPECT_THAT(blocked.err, HasSubstr("file"));
  EXPECT_EQ(project_.osiris({"report", "-o", "-", "--json"}).exit, 2);
}

TEST_F(ReportPage, OfAllRunsLinksToTheirPages) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  page();
  const std::string text = page({"report", "--runs"});
  EXPECT_THAT(text, HasSubstr("<a href=\"dev/nightly/"));
  EXPECT_THAT(page({"report", "--runs", "--pipeline", "other"}), HasSubstr("No runs yet"));
  EXPECT_EQ(project_.osiris({"report", "1", "--runs"}).exit, 2);
  EXPECT_EQ(project_.osiris({"report", "--runs", "--since", "yesterday"}).exit, 2);
}

TEST_F(ReportPage, OfARunThatIsNotThereIsAnError) {
  const Outcome none = project_.osiris({"report"});
  EXPECT_EQ(none.exit, 2);
  EXPECT_THAT(none.err, HasSubstr("nothing has run"));
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  // Also where the random end of an id is one of them.
  for (const char* number : {"2", "3", "4", "5", "6", "7", "8", "9"})
    EXPECT_THAT(project_.osiris({"report", number}).err, HasSubstr("there is no run"));
  fs::remove_all(project_.session());
  const Outcome gone = project_.osiris({"report"});
  EXPECT_EQ(gone.exit, 2);
  EXPECT_THAT(gone.err, HasSubstr("osiris clean"));
}

}  // namespace
}  // namespace osiris::e2e
