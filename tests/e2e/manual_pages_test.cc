// The manual pages that the build makes from the parser: a page for each command, and no fault that mandoc finds but
// that they have no date, which two builds of the same bytes cannot have.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

class ManualPages : public testing::Test {
 protected:
  ManualPages() { EXPECT_EQ(project_.osiris({"manual-pages", "man1"}).exit, 0); }
  std::string page(const std::string& name) const { return project_.read("man1/" + name + ".1"); }
  Project project_;
};

TEST_F(ManualPages, AreOneForEachCommandOfTheHelp) {
  size_t commands = 0;
  const std::string help = project_.osiris({"--help"}).out;
  std::istringstream lines(help.substr(help.find("Subcommands:")));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() && commands > 0) break;
    if (!line.starts_with("  ") || line.starts_with("   ")) continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    ++commands;
    EXPECT_TRUE(fs::exists(project_.dir() / "man1" / ("osiris-" + name + ".1"))) << name;
  }
  EXPECT_GT(commands, 15u) << help;
  EXPECT_THAT(page("osiris-logs-show"), HasSubstr("osiris logs show"));
}

TEST_F(ManualPages, NameOptionsExamplesAndHowItEnds) {
  const std::string run = page("osiris-run");
  for (const char* part : {".SH NAME\nosiris\\-run \\- run a pipeline", "\\-\\-dry\\-run", ".SH EXAMPLES",
                           "osiris run pipeline.yaml", ".SH \"EXIT STATUS\"", ".BR osiris (1)"})
    EXPECT_THAT(run, HasSubstr(part));
  EXPECT_EQ(run.find("allow"), std::string::npos);  // hidden options stay hidden
}

TEST_F(ManualPages, HaveNoFaultThatMandocFinds) {
  const Outcome found =
      project_.shell_in(project_.dir(), "mandoc -T lint -W warning man1/*.1 2>&1 | grep -v 'missing date' || true");
  EXPECT_EQ(found.out, "");
  project_.write("bad.1", ".TH A 1\n.SH NAME\n.XX\n");
  EXPECT_THAT(project_.shell_in(project_.dir(), "mandoc -T lint -W warning bad.1 2>&1 || true").out, HasSubstr("XX"));
}

TEST_F(ManualPages, AreTheSameBytesEachTime) {
  EXPECT_EQ(project_.osiris({"manual-pages", "again"}).exit, 0);
  EXPECT_EQ(project_.shell_in(project_.dir(), "diff -r man1 again").exit, 0);
}

}  // namespace
}  // namespace osiris::e2e
