// What the documents say of the tree, compared with the tree: paths, places, words.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

std::string text_of(const std::string& path) {
  for (const SourceFile& file : all_files())
    if (file.path == path) return file.text;
  return {};
}

std::vector<std::vector<std::string>> matches(const std::string& text, const char* pattern) {
  std::vector<std::vector<std::string>> all;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    all.emplace_back((*it).begin(), (*it).end());
  return all;
}

// A file or folder of the tree, however it is spelled: "host/run/", "host/run/session.cc".
bool exists(std::string path) {
  if (path.ends_with("/")) path.pop_back();
  for (const SourceFile& file : all_files())
    if (file.path == path || file.path.starts_with(path + "/")) return true;
  return false;
}

// In backticks, and with a folder of the tree at its beginning; one with a placeholder in it names no file.
std::vector<std::string> paths_in(const std::string& text) {
  std::vector<std::string> paths;
  for (
      const auto& found : matches(
          text,
          R"re(`((?:bench|cmake|docs|examples|host|plugin_api|plugins|protocol|scripts|servers|tests|worker)/[^`\s]*)`)re"))
    if (found[1].find_first_of("<*{…:") == std::string::npos && found[1].find("/X/") == std::string::npos)
      paths.push_back(found[1]);
  return paths;
}

TEST(Documents, NamePathsThatAreThere) {
  size_t paths = 0;
  for (const SourceFile& file : all_files()) {
    if (!file.path.ends_with(".md") || file.path.starts_with("tests/fixtures/")) continue;
    for (const std::string& path : paths_in(file.text)) {
      ++paths;
      EXPECT_TRUE(exists(path)) << file.path << " names " << path;
    }
  }
  EXPECT_GT(paths, 100u);
}

TEST(Documents, ThatNameAMissingPathAreNoticed) {
  EXPECT_EQ(paths_in("see `host/run/session.cc`, `worker/drivers/X/` and `make test`").size(), 1u);
  EXPECT_FALSE(exists("host/run/no_such_file.cc"));
  EXPECT_TRUE(exists("host/run/"));
}

std::string section(const std::string& text, const std::string& heading) {
  const size_t begin = text.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

// The reader's question has one answer: a place that is there.
TEST(Architecture, SaysWhereToBegin) {
  const std::string table = section(text_of("docs/architecture.md"), "Where would I change X?");
  std::set<std::string> subjects;
  for (const auto& row : matches(table, R"(\n\| ([a-z][^|]+) \| `([^`|]+)` \| [^|\n]+ \|)")) {
    subjects.insert(row[1]);
    EXPECT_TRUE(exists(row[2])) << row[1] << ": " << row[2];
    EXPECT_NE(std::filesystem::path(row[2]).filename(), "")
        << row[1] << ": " << row[2] << " is a folder; name the file";
  }
  EXPECT_GE(subjects.size(), 20u);
  const size_t rows = matches(table, R"(\n\| )").size() - 1;  // but for the heading
  EXPECT_EQ(subjects.size(), rows) << "a row has no place, or two";
}

// The folders of the layer test are those of the page.
TEST(Architecture, NamesEveryFolderWithArrows) {
  const std::string page = text_of("docs/architecture.md");
  const std::string table = section(page, "The folders");
  for (const auto& row : matches(text_of("tests/tidy/layers_test.cc"), R"re(\{"([a-z0-9_/]+)",\s*\{)re"))
    EXPECT_NE(table.find("`" + row[1] + "/`"), std::string::npos) << row[1];
  std::set<std::string> rooms;
  for (const SourceFile& file : all_files())
    if (const auto found = matches(file.path, "^(host/[a-z]+/)"); !found.empty()) rooms.insert(found[0][1]);
  for (const std::string& room : rooms) EXPECT_NE(table.find("`" + room + "`"), std::string::npos) << room;
}

// docs/oml.md, "Findings": every type that the host reports, and no other.
TEST(Findings, AreAllInTheManual) {
  std::set<std::string> reported, documented;
  for (const SourceFile& file : source_files())
    if (file.path.starts_with("host/"))
      for (const auto& call : matches(
               file.text,
               R"re(\b(?:\w*(?:error|warning|unreadable)\(|Wrong\{|k\w+Finding = )\s*"([a-z]+(?:_[a-z]+)+)"[,;])re"))
        reported.insert(call[1]);
  const std::string table = text_of("docs/oml.md").substr(text_of("docs/oml.md").find("\n## Findings\n"));
  for (const auto& row : matches(table, R"(\n\|[^|]*\|([^|]+)\|)"))
    for (const auto& type : matches(row[1], "`([a-z_]+)`")) documented.insert(type[1]);
  EXPECT_GE(reported.size(), 60u);
  EXPECT_EQ(reported, documented);
}

struct Entry {
  std::string word, meaning;
};

std::vector<Entry> glossary() {
  std::vector<Entry> entries;
  for (const auto& row : matches(text_of("docs/glossary.md"), R"(\n\| \*\*([^*|]+)\*\* \| ([^|]+) \|)"))
    entries.push_back({row[1], row[2]});
  return entries;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

TEST(Glossary, IsSortedAndShort) {
  const auto entries = glossary();
  EXPECT_GE(entries.size(), 35u);
  for (size_t i = 1; i < entries.size(); ++i)
    EXPECT_LT(lower(entries[i - 1].word), lower(entries[i].word)) << "out of order";
  for (const Entry& entry : entries) {
    EXPECT_TRUE(entry.meaning.ends_with(".")) << entry.word;
    EXPECT_LE(matches(entry.meaning, R"(\.( |$))").size(), 2u) << entry.word << ": one sentence or two";
  }
}

TEST(Glossary, DefinesWhatOtherPagesSay) {
  std::string pages;
  for (const SourceFile& file : all_files())
    if (file.path == "README.md" || (file.path.starts_with("docs/") && file.path.ends_with(".md") &&
                                     file.path != "docs/glossary.md" && !file.path.starts_with("docs/decisions/")))
      pages += lower(file.text) + "\n";
  std::replace(pages.begin(), pages.end(), '\n', ' ');
  for (const Entry& entry : glossary())
    EXPECT_FALSE(matches(pages, ("[^a-z]" + lower(entry.word) + "s?[^a-z]").c_str()).empty()) << entry.word;
}

// Words that a newcomer meets in the first pages, and those of the core types.
TEST(Glossary, HasTheWordsOfTheFirstPages) {
  std::set<std::string> words;
  for (const Entry& entry : glossary()) words.insert(entry.word);
  for (const char* word :
       {"ABI",      "adapter", "artifact", "attempt",       "catalog", "category",    "channel",         "component",
        "driver",   "egress",  "event",    "fingerprint",   "hint",    "lease",       "leftover",        "lent",
        "manifest", "metric",  "OML",      "outcome",       "place",   "plan",        "prepared",        "profile",
        "proof",    "record",  "relation", "relation name", "run",     "run package", "remote resource", "sandbox",
        "secret",   "session", "spec",     "spill",         "stage",   "step",        "template",        "worker"})
    EXPECT_EQ(words.count(word), 1u) << word;
}

}  // namespace
}  // namespace osiris::tidy
