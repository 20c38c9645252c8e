// A run watched on a terminal.
#include <gtest/gtest.h>

#include "tests/e2e/project.h"
#include "tests/e2e/pseudo_terminal.h"

namespace osiris::e2e {
namespace {

struct Shown {
  std::string text;
  int exit = -1;
};

// Presses Ctrl-C (the key, not the signal) once `press_after` was shown.
Shown on_terminal(const Project& project, std::vector<std::string> arguments, const std::string& press_after = "",
                  std::vector<std::string> more_environment = {}) {
  PseudoTerminal terminal(project, std::move(arguments), std::move(more_environment));
  if (!press_after.empty()) {
    terminal.until(press_after);
    terminal.type("\x03");
  }
  const int exit = terminal.end();
  return {terminal.text(), exit};
}

TEST(Terminal, ShowsLiveLinesAndASummaryTable) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("slow", "rows: 1234, sleep_ms: 400"), mock_step("next", "", "slow")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"});
  EXPECT_EQ(shown.exit, 0) << shown.text;
  EXPECT_NE(shown.text.find("slow"), std::string::npos);
  EXPECT_NE(shown.text.find("\x1b[1A"), std::string::npos) << "nothing was redrawn: " << shown.text;
  EXPECT_EQ(shown.text.find("Starting..."), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("Duration"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("1,234"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("\x1b[32m"), std::string::npos);
  EXPECT_NE(shown.text.find("Session: "), std::string::npos);
}

TEST(Terminal, RespectsNoColor) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("slow", "rows: 5, sleep_ms: 300")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"}, "", {"NO_COLOR=1"});
  EXPECT_EQ(shown.exit, 0) << shown.text;
  EXPECT_EQ(shown.text.find("\x1b[32m"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("\x1b[1A"), std::string::npos) << shown.text;
}

TEST(Terminal, TheCtrlCKeyCancels) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("stuck", "hang: politely")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"}, "stuck");
  EXPECT_EQ(shown.exit, 130) << shown.text;
  EXPECT_NE(shown.text.find("Session: "), std::string::npos) << shown.text;
  EXPECT_EQ(project.status()["reason"].as_string(), "cancelled");
}

}  // namespace
}  // namespace osiris::e2e
