// The documents: every relative link leads to a file that is there, every #anchor to a heading of it, and what a
// comment or a message calls docs/<page>.md exists. Each rule is tried on a text that breaks it, too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "protocol/base/text.h"
#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::string without_fences(const std::string& text) {
  std::string kept;
  bool inside = false;
  for (const std::string& line : split(text, '\n')) {
    const size_t start = line.find_first_not_of(' ');
    const bool fence = start != std::string::npos && line.compare(start, 3, "```") == 0;
    inside ^= fence;
    if (!inside && !fence) kept += line;
    kept += '\n';
  }
  return kept;
}

// The name that GitHub gives a heading: lower case, no punctuation, hyphens for spaces.
std::string anchor_of(std::string_view heading) {
  static const std::regex link(R"(\[([^\]]*)\]\([^)]*\))");
  std::string anchor;
  for (const char c : std::regex_replace(std::string(heading), link, "$1")) {
    const bool is_letter = std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
    if (is_letter || c == '-' || c == '_') anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> anchors_of(const std::string& text) {
  std::set<std::string> anchors;
  std::map<std::string, int> times;
  for (const std::string& line : split(without_fences(text), '\n')) {
    const size_t level = line.find_first_not_of('#');
    if (level == 0 || level == std::string::npos || level > 6 || line[level] != ' ') continue;
    const std::string anchor = anchor_of(line.substr(level + 1));
    const int before = times[anchor]++;
    anchors.insert(before == 0 ? anchor : anchor + "-" + std::to_string(before));
  }
  return anchors;
}

// The targets of [text](target) and of [label]: target.
std::vector<std::string> links_of(const std::string& text) {
  static const std::regex code(R"(`[^`\n]*`)"), link(R"(\]\(\s*([^)\s]+)\s*\)|(?:^|\n)\[[^\]\n]+\]:\s*(\S+))");
  const std::string prose = std::regex_replace(without_fences(text), code, "");
  std::vector<std::string> links;
  for (std::sregex_iterator it(prose.begin(), prose.end(), link), end; it != end; ++it)
    links.push_back((*it)[1].matched ? (*it)[1] : (*it)[2]);
  return links;
}

// Paths and texts of a tree; a folder is a path that others begin with.
class Tree {
 public:
  explicit Tree(const std::vector<SourceFile>& files) {
    for (const SourceFile& file : files) {
      texts_[file.path] = &file.text;
      for (fs::path folder = fs::path(file.path).parent_path(); !folder.empty(); folder = folder.parent_path())
        folders_.insert(folder.string());
    }
  }
  const std::string* text(const std::string& path) const {
    const auto found = texts_.find(path);
    return found == texts_.end() ? nullptr : found->second;
  }
  bool has(const std::string& path) const { return text(path) || folders_.count(path) > 0; }

 private:
  std::map<std::string, const std::string*> texts_;
  std::set<std::string> folders_;
};

// The links of a document that lead nowhere.
std::vector<std::string> dead_links(const SourceFile& document, const Tree& tree) {
  static const std::regex elsewhere(R"([a-z]+:.*)");
  std::vector<std::string> dead;
  for (const std::string& link : links_of(document.text)) {
    if (std::regex_match(link, elsewhere)) continue;
    const size_t hash = link.find('#');
    const std::string name = link.substr(0, hash);
    std::string path =
        name.empty() ? document.path : (fs::path(document.path).parent_path() / name).lexically_normal().string();
    if (path.ends_with('/')) path.pop_back();
    const std::string* text = tree.text(path);
    const bool found =
        hash == std::string::npos ? tree.has(path) : text && anchors_of(*text).count(link.substr(hash + 1));
    if (!found) dead.push_back(document.path + ": " + link);
  }
  return dead;
}

// The pages below docs/ that a file names and that are not there.
std::vector<std::string> dead_pages(const SourceFile& file, const Tree& tree) {
  static const std::regex page(R"(\bdocs/[A-Za-z0-9_./-]+\.md\b)");
  std::vector<std::string> dead;
  for (std::sregex_iterator it(file.text.begin(), file.text.end(), page), end; it != end; ++it)
    if (!tree.has(it->str())) dead.push_back(file.path + ": " + it->str());
  return dead;
}

TEST(Docs, EveryLinkLeadsToAFileAndAHeading) {
  const Tree tree(all_files());
  size_t links = 0;
  for (const SourceFile& file : all_files()) {
    if (!file.path.ends_with(".md")) continue;
    links += links_of(file.text).size();
    EXPECT_THAT(dead_links(file, tree), IsEmpty());
  }
  EXPECT_GT(links, 50u) << "the tree was not found";
}

TEST(Docs, EveryPageThatAFileNamesIsThere) {
  const Tree tree(all_files());
  size_t files = 0;
  for (const SourceFile& file : all_files()) {
    if (file.path.starts_with("tests/tidy/") || file.text.find("docs/") == std::string::npos) continue;
    ++files;
    EXPECT_THAT(dead_pages(file, tree), IsEmpty());
  }
  EXPECT_GT(files, 20u) << "the tree was not found";
}

class DeadLinks : public testing::Test {
 protected:
  std::vector<std::string> in(const std::string& text) const { return dead_links({"docs/a.md", text}, Tree(files_)); }
  std::vector<SourceFile> files_ = {{"docs/a.md", "# Here\n"},
                                    {"docs/sub/b.md", "# A `b`, and (c)\n## Twice\n## Twice\n```\n# no heading\n```\n"},
                                    {"README.md", ""}};
};

TEST_F(DeadLinks, AreFound) {
  EXPECT_THAT(in("[x](gone.md)"), ElementsAre("docs/a.md: gone.md"));
  EXPECT_THAT(in("[two\nlines](gone.md) and [x](b.md)"), ElementsAre("docs/a.md: gone.md", "docs/a.md: b.md"));
  EXPECT_THAT(in("[x](#there)"), ElementsAre("docs/a.md: #there"));
  EXPECT_THAT(in("[x](sub/b.md#no-heading)"), ElementsAre("docs/a.md: sub/b.md#no-heading"));
  EXPECT_THAT(in("[x](sub/b.md#twice-2)"), ElementsAre("docs/a.md: sub/b.md#twice-2"));
  EXPECT_THAT(in("[x]\n\n[x]: gone.md\n"), ElementsAre("docs/a.md: gone.md"));
}

TEST_F(DeadLinks, AreNotTheOnesThatLeadSomewhere) {
  EXPECT_THAT(in("[x](sub/b.md) [x](../README.md) [x](sub) [x](sub/) [x](#here) [x](sub/b.md#a-b-and-c)\n"
                 "[x](sub/b.md#twice) [x](sub/b.md#twice-1) [x](https://example.com/#y)"),
              IsEmpty());
  EXPECT_THAT(in("```\n[x](gone.md)\n```\nand `[x](gone.md)`"), IsEmpty());
}

TEST(DeadPages, AreFound) {
  const std::vector<SourceFile> files = {{"docs/sub/b.md", ""}};
  EXPECT_THAT(dead_pages({"x.cc", "// docs/sub/b.md and docs/gone.md\n"}, Tree(files)),
              ElementsAre("x.cc: docs/gone.md"));
}

}  // namespace
}  // namespace osiris::tidy
