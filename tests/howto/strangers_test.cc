// Two strangers' first hour, as scripts: a user with a CSV file, and one with a project of Python Osiris. Neither knows
// a command or an option that docs/ does not have.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

// Commands and flags of a script that the page of the command line does not have.
std::vector<std::string> undocumented(const std::string& script, const std::string& page) {
  static const std::regex call(R"((?:^|\n)!? ?osiris ([^\n]*))"), name("[a-z-]+");
  std::vector<std::string> unknown;
  for (std::sregex_iterator at(script.begin(), script.end(), call), end; at != end; ++at) {
    const std::vector<std::string> words = split((*at)[1].str(), ' ');
    if (page.find("`" + words[0]) == std::string::npos) unknown.push_back(words[0]);
    // A second word that names a command, like "runs list", stands in the table with the first.
    const bool is_group = words[0] == "logs" || words[0] == "runs" || words[0] == "components" ||
                          words[0] == "connections" || words[0] == "oml";
    if (is_group && page.find(words[0] + " " + words.at(1)) == std::string::npos)
      unknown.push_back(words[0] + " " + words[1]);
    for (const std::string& word : words)
      if (word.starts_with("--") && page.find(word) == std::string::npos) unknown.push_back(words[0] + " " + word);
  }
  return unknown;
}

class Strangers : public testing::Test {
 protected:
  std::string script(const std::string& name) { return project_.read(source_dir() / "tests/howto" / name); }
  void walks(const fs::path& directory, const std::string& text) {
    // "logs html" is what the second stranger tries in vain.
    EXPECT_EQ(join(undocumented(std::regex_replace(text, std::regex("! osiris logs html"), ""),
                                project_.read(source_dir() / "docs/cli.md")),
                   "; "),
              "");
    const Outcome outcome = project_.shell_in(directory, text);
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  }
  Project project_;
};

TEST_F(Strangers, WithACsvFileGetTotals) {
  project_.write("../empty/sales.csv", "region,amount\nnorth,10\nsouth,2\nnorth,5\n");
  walks("../empty", script("csv_user.sh"));
  EXPECT_EQ(project_.read("../empty/shop/output/totals.csv"), "region,total\nnorth,15\nsouth,2\n");
  EXPECT_TRUE(fs::exists(project_.dir() / "../empty/shop/sales.html"));
}

TEST_F(Strangers, WithAProjectOfPythonOsirisGoOn) {
  const fs::path from = source_dir() / "tests/fixtures/examples";
  for (const auto& entry : fs::directory_iterator(from))
    if (entry.path().filename() != "expected")
      fs::copy(entry.path(), project_.dir() / entry.path().filename(), fs::copy_options::recursive);
  for (const char* name : {"WAREHOUSE_DB_HOST", "METERING_DB_HOST", "LAKE_URL"}) project_.set(name, "unused.example");
  walks("", script("python_osiris_user.sh"));
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"),
            project_.read(from / "expected/01-csv-duckdb-csv/harbor_fees_by_vessel.csv"));
}

TEST(Undocumented, IsFound) {
  EXPECT_EQ(join(undocumented("osiris run x --fast\n! osiris fly\nosiris logs burn\n", "`run FILE` `logs list` --slow"),
                 "; "),
            "run --fast; fly; logs burn");
}

}  // namespace
}  // namespace osiris::e2e
