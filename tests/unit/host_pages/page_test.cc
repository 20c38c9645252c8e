// The page of a run: nothing of the data acts, nothing is loaded, and it stays small.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <regex>

#include "host/pages/html.h"
#include "host/pages/run_page.h"
#include "protocol/base/sha256.h"
#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::Not;

// Every place where text of another comes in, as a script and as terminal sequences.
constexpr const char* kHostile = "</style></script><script>alert(1)</script>\\u001b[31m\\u202e\\\" onload=\\\"alert(2)";

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Page, HoldsHostileTextAsText) {
  SessionFiles session;
  const std::string bad = kHostile;
  const std::string id = "\"step_id\":\"" + bad + "\"";
  session.write("manifest.yaml", "name: \"" + bad + "\"\nsteps:\n- {id: \"" + bad + "\", component: \"" + bad +
                                     "\", needs: []}\n- {id: b, component: c, needs: [\"" + bad + "\"]}\n");
  session.write("out.csv", "<script>alert(3)</script>\n\x1b[31m<b>\n");
  session.write("artifacts.json", "{\"outputs\":[{\"path\":\"" + bad + ".csv\",\"target\":\"" +
                                      (session.directory() / "out.csv").string() +
                                      "\",\"size_bytes\":35,\"sha256\":\"\",\"step_id\":\"" + bad + "\"}]}");
  session.write("osiris.log", "x] - WARNING - <script>alert(4)</script>\n");
  session.event(0, "adapter_selected",
                "\"adapter\":\"" + bad + "\",\"version\":\"" + bad + "\",\"options\":{\"" + bad + "\":{\"value\":\"" +
                    bad + "\",\"source\":\"" + bad + "\"}}");
  session.event(1, "step_start", id);
  session.event(1, "<script>_start");
  session.event(2, "<img src=x>", "\"duration_ms\":500,\"text\":\"" + bad + "\"");
  session.event(
      2, "resource_acquired",
      "\"kind\":\"" + bad + "\",\"id\":\"" + bad + "\",\"cleanup\":\"" + bad + "\",\"expires\":\"" + bad + "\"");
  session.event(3, "step_failed",
                id + ",\"error\":\"" + bad + "\",\"hint\":\"" + bad + "\",\"category\":\"" + bad + "\"");
  RunHistory history = session.history("failed");
  history.record.status = history.record.profile = history.record.run_id = "<script>alert(5)</script>";
  const std::string page = run_page(history, {true, "<script>"});
  EXPECT_EQ(count(page, "<script"), 0u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_THAT(page, Not(HasSubstr("\" onload=\"")));  // no text ends an attribute
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_THAT(page, Not(HasSubstr("\xe2\x80\xae")));  // U+202E turns text around
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(3)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(4)"));
  // Its own style sheet and the graph's, and nothing of the data ends one.
  EXPECT_EQ(count(page, "</style>"), 2u);
}

TEST(Page, LoadsNothing) {
  SessionFiles session;
  session.event(0, "run_start");
  const std::string page = run_page(session.history(), {});
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_FALSE(std::regex_search(page, std::regex(R"((src|href)="(?!#)|@import|url\((?!#a\))|<script|<link|<iframe)")));
}

TEST(Page, SaysWhatTheMachinesCost) {
  SessionFiles session;
  session.event(0, "run_start");
  RunHistory history = session.history();
  EXPECT_THAT(run_page(history, {}), Not(HasSubstr("of machines")));
  history.record.extra.set("cost", Json::object({{"spent", 0.0042}, {"machine_seconds", 118}}));
  EXPECT_THAT(run_page(history, {}), HasSubstr("about $0.0042 for 118 s of machines"));
}

TEST(Page, HasWhatAScreenReaderGoesBy) {
  SessionFiles session;
  session.write("manifest.yaml",
                "name: p\nsteps:\n- {id: a, component: c, needs: []}\n- {id: b, component: c, needs: [a]}\n");
  session.event(0, "step_start", R"("step_id":"a")");
  session.event(1, "step_complete", R"("step_id":"a","rows_processed":3)");
  const std::string page = run_page(session.history(), {});
  for (const char* part : {"<html lang=\"en\">", "<header>", "<nav aria-label=", "<main>", "<footer>", "<h1>",
                           "<th scope=\"col\">", "<th scope=\"row\">", "<caption>", "role=\"img\""})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_EQ(count(page, "<h1>"), 1u);
  // A status is a word, never a colour alone.
  EXPECT_THAT(page, HasSubstr("complete</span>"));
}

TEST(Page, OfAnInterruptedRunSaysSo) {
  SessionFiles session;
  session.event(0, "step_start", R"("step_id":"a")");
  session.event(2, "resource_acquired", R"("kind":"sandbox","id":"s1","cleanup":"osiris resources reap")");
  const std::string page = run_page(session.history("interrupted"), {});
  EXPECT_THAT(page, HasSubstr("without an end of the run"));
  EXPECT_THAT(page, HasSubstr("did not end</span>"));
  EXPECT_THAT(page, HasSubstr("not released"));
  EXPECT_THAT(page, HasSubstr("osiris resources reap"));
}

TEST(Page, OfARunWithNothingIsAPage) {
  SessionFiles session;
  const std::string page = run_page(session.history("interrupted"), {});
  EXPECT_THAT(page, HasSubstr("<h1>hello</h1>"));
  EXPECT_THAT(page, HasSubstr("</html>"));
}

// 1,000 steps and 100,000 events: the size is a promise, the time is told.
TEST(Page, OfALargeRunStaysSmall) {
  SessionFiles session;
  std::string manifest = "name: large\nsteps:\n";
  for (int i = 0; i < 1'000; ++i) {
    const std::string id = "step-" + std::to_string(i);
    manifest += "- {id: " + id + ", component: duckdb.processor, needs: [" +
                (i ? "step-" + std::to_string(i / 2) : "") + "]}\n";
    session.event(i, "step_start", "\"step_id\":\"" + id + "\",\"driver\":\"duckdb.processor\"");
    for (int n = 0; n < 98; ++n)
      session.event(i, "script_event",
                    "\"step_id\":\"" + id + "\",\"name\":\"progress\",\"data\":{\"at\":" + std::to_string(n) + "}");
    session.event(i + 1, "step_complete", "\"step_id\":\"" + id + "\",\"rows_processed\":1000,\"duration\":1.0");
  }
  for (int i = 0; i < 20'000; ++i) session.metric(i / 20.0, "worker_memory_bytes", i % 1'000 * 1e6);
  session.write("manifest.yaml", manifest);
  session.history();
  const auto began = std::chrono::steady_clock::now();
  const auto history = read_run_history(session.record());
  ASSERT_TRUE(history.ok());
  const std::string page = run_page(*history, {});
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  std::cout << "page of 1,000 steps and 100,000 events: " << took.count() << " ms, " << page.size() << " bytes\n";
  EXPECT_LE(page.size(), 3u << 20);
  EXPECT_THAT(page, HasSubstr("step-999"));
}

TEST(Page, OfRepeatedStepsWithOneIdIsStillAPage) {
  SessionFiles session;
  session.write("manifest.yaml",
                "name: p\nsteps:\n- {id: a, component: c, needs: []}\n- {id: a, component: c, needs: [a, gone]}\n");
  session.event(0, "step_start", R"("step_id":"a")");
  EXPECT_THAT(run_page(session.history("interrupted"), {}), HasSubstr("</html>"));
}

TEST(Html, EscapesTextForElementsAndAttributes) {
  EXPECT_EQ(html_text("<a b=\"c\">&'\x1b[0m\xff"), "&lt;a b=&quot;c&quot;&gt;&amp;'?[0m?");
}

}  // namespace
}  // namespace osiris
