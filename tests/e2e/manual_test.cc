// Every osiris command that a document shows is asked of the program: its words name a command, its flags are in that
// command's help. Nothing is run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <sstream>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

struct Shown {
  std::string where;  // "docs/cli.md"
  std::string command;
};
void PrintTo(const Shown& shown, std::ostream* out) { *out << shown.where << ": " << shown.command; }

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> words;
  for (std::string word; in >> word && word[0] != '#' && word != "&&";) words.push_back(word);
  return words;
}

// In code blocks, at the beginning of a line or after &&, and between backticks.
void collect(const std::string& where, const std::string& text, std::vector<Shown>& shown) {
  static const std::regex quoted(R"(`(osiris [^`]+)`)"), line(R"(^(?:.*&& )?(osiris .*)$)");
  std::istringstream in(text);
  bool is_code = false;
  for (std::string each; std::getline(in, each);) {
    if (each.starts_with("```")) is_code = !is_code;
    std::smatch found;
    if (is_code && std::regex_match(each, found, line)) shown.push_back({where, found[1]});
    for (std::sregex_iterator it(each.begin(), each.end(), quoted), end; !is_code && it != end; ++it)
      shown.push_back({where, (*it)[1]});
  }
}

std::vector<Shown> shown_commands() {
  const fs::path root = std::getenv("OSIRIS_SOURCE_DIR");
  std::vector<fs::path> pages = {root / "README.md", root / "examples/README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs"))
    if (entry.path().extension() == ".md" && entry.path().parent_path().filename() != "decisions")
      pages.push_back(entry.path());
  std::vector<Shown> shown;
  for (const fs::path& page : pages)
    if (const auto text = read_file(page)) collect(fs::relative(page, root).string(), *text, shown);
  return shown;
}

// Of one command or, with an adapter, of that command with the adapter's flags; each asked for once.
class Help {
 public:
  const Outcome& of(std::vector<std::string> words) {
    words.push_back("--help");
    auto [at, is_new] = asked_.try_emplace(words);
    if (is_new) at->second = project_.osiris(words);
    return at->second;
  }

 private:
  Project project_;
  std::map<std::vector<std::string>, Outcome> asked_;
};

bool is_placeholder(const std::string& word) { return word.find_first_of("<*{…|[") != std::string::npos; }

// "" for a command as it should be.
std::string complaint(const std::string& command, Help& help) {
  const std::vector<std::string> words = words_of(command);
  std::vector<std::string> path, adapter, flags;
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "--e2b") {
      adapter = {"--adapter", "e2b"};
    } else if (words[i] == "--adapter" && i + 1 < words.size()) {
      if (words[i + 1] == "e2b" || words[i + 1] == "local") adapter = {"--adapter", words[i + 1]};
      flags.push_back(words[i++]);
    } else if (words[i].starts_with("--")) {
      flags.push_back(words[i].substr(0, words[i].find('=')));
      if (words[i].starts_with("--local-")) adapter = {"--adapter", "local"};
    } else if (path.size() < 2 && flags.empty() && adapter.empty()) {
      path.push_back(words[i]);
    }
  }
  if (path.empty() || is_placeholder(path[0]))
    return help.of({}).exit == 0 ? "" : "osiris --help fails";  // "osiris --version", "osiris [--json] COMMAND"
  if (path[0] == "help" || path[0] == "version") return "";     // other spellings of --help and --version
  if (help.of({path[0]}).exit != 0) return "there is no command " + path[0];
  std::vector<std::string> named = {path[0]};
  if (path.size() > 1) {  // alternatives are one word: "list|show|last"
    std::istringstream alternatives(path[1]);
    for (std::string each; std::getline(alternatives, each, '|');) {
      const Outcome& page = help.of({path[0], each});
      const bool is_sub = page.exit == 0 && page.out != help.of({path[0]}).out;
      if (is_sub) named = {path[0], each};
      if (!is_sub && path[1] != each) return path[0] + " has no " + each;
    }
  }
  named.insert(named.end(), adapter.begin(), adapter.end());
  const Outcome& page = help.of(named);
  if (page.exit != 0) return "its help ends with " + std::to_string(page.exit) + ": " + page.err;
  for (const std::string& flag : flags)
    if (!is_placeholder(flag) && !flag.starts_with("--mine-") && page.out.find(flag) == std::string::npos)
      return "no flag " + flag;
  return "";
}

TEST(Manual, ShowsCommandsThatThereAre) {
  Help help;
  const std::vector<Shown> all = shown_commands();
  EXPECT_GT(all.size(), 40u);
  for (const Shown& shown : all) EXPECT_EQ(complaint(shown.command, help), "") << testing::PrintToString(shown);
}

TEST(Manual, ThatShowsAnotherCommandIsNoticed) {
  Help help;
  EXPECT_EQ(complaint("osiris rum pipeline.yaml", help), "there is no command rum");
  EXPECT_EQ(complaint("osiris run pipeline.yaml --dry-rum", help), "no flag --dry-rum");
  EXPECT_EQ(complaint("osiris logs list|shew", help), "logs has no shew");
  EXPECT_EQ(complaint("osiris resources list --adapter e2b # all", help), "");
}

// The tables of options in docs/cli.md, below the name of their command.
TEST(Manual, ListsOptionsThatThereAre) {
  Help help;
  const auto page = read_file(fs::path(std::getenv("OSIRIS_SOURCE_DIR")) / "docs/cli.md");
  ASSERT_TRUE(page.ok());
  static const std::regex line(R"(\n(?:## (\w+)|\| ([^|]*`-[^|]*) \|))"), flag("--[a-z][a-z0-9-]*");
  std::string command;
  size_t flags = 0;
  for (std::sregex_iterator it(page->begin(), page->end(), line), end; it != end; ++it) {
    if ((*it)[1].matched) {
      command = (*it)[1];
      continue;
    }
    const std::string& options = command == "run" ? help.of({"run", "--adapter", "e2b"}).out : help.of({command}).out;
    const std::string cell = (*it)[2];
    for (std::sregex_iterator each(cell.begin(), cell.end(), flag); each != end; ++each, ++flags)
      EXPECT_NE(options.find(each->str()), std::string::npos) << command << " " << each->str();
  }
  EXPECT_GE(flags, 12u);
}

}  // namespace
}  // namespace osiris::e2e
