#include "host/pages/runs_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::Not;

RunRecord run(const std::string& id, const std::string& pipeline, const std::string& status, int64_t ms) {
  RunRecord record;
  record.run_id = id;
  record.pipeline_slug = pipeline;
  record.status = status;
  record.duration_ms = ms;
  record.run_ts = "2025-11-23T04:00:00.000000+00:00";
  return record;
}

TEST(RunsPage, CountsByPipelineAndNamesWhatDidNotSucceed) {
  const std::string page = runs_page({run("r4", "a", "failed", 900), run("r3", "a", "success", 3'000),
                                      run("r2", "b", "interrupted", 0), run("r1", "a", "success", 1'000)},
                                     {"/p", "/p", "1"});
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">a</th>"));
  EXPECT_THAT(page, HasSubstr("a: the last 3 runs, 1 of them not successful, the longest 3.00s"));
  const size_t failures = page.find("id=\"failures\""), all = page.find("id=\"runs\"");
  const std::string failed = page.substr(failures, all - failures);
  EXPECT_THAT(failed, HasSubstr("r4"));
  EXPECT_THAT(failed, HasSubstr("r2"));
  EXPECT_THAT(failed, Not(HasSubstr("r3")));
}

TEST(RunsPage, LinksToThePagesThatThereAre) {
  SessionFiles session;
  RunRecord with = session.record();
  with.run_logs_path = session.directory() / "a b#<";
  session.write("a b#</report.html", "x");
  RunRecord without = run("r0", "a", "success", 1);
  without.run_logs_path = session.directory() / "none";
  const std::string page = runs_page({with, without}, {"/p", session.directory(), "1"});
  EXPECT_THAT(page, HasSubstr("<a href=\"a%20b%23%3C/report.html\">" + with.run_id + "</a>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">r0</th>"));
}

TEST(RunsPage, OfManyRunsListsTheNewestAndCountsAll) {
  std::vector<RunRecord> records;
  for (int i = 0; i < 5'000; ++i)
    records.push_back(run("r" + std::to_string(i), "p" + std::to_string(i % 90), "success", i));
  const std::string page = runs_page(records, {"/p", "/p", "1"});
  EXPECT_THAT(page, HasSubstr("4,000 older runs not listed"));
  EXPECT_LT(page.size(), 2u << 20);
}

TEST(RunsPage, OfAProjectWithoutRunsSaysSo) {
  const std::string page = runs_page({}, {"/p", "/p", "1"});
  EXPECT_THAT(page, HasSubstr("No runs yet"));
}

TEST(RunsPage, HoldsHostileNamesAsText) {
  const std::string page = runs_page({run("<script>", "\"><script>", "<script>", 1), run("x", "\"><script>", "ok", 1)},
                                     {"<script>", "/p", "<script>"});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace osiris
