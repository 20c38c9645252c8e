// The version of osiris is said once, in project() of CMakeLists.txt. What else has the same digits is the version of
// something else, and stands in a row here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>

#include "protocol/base/text.h"
#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Files that tell of other versions: of what they are themselves, or of what they were recorded with.
bool has_versions_of_its_own(const std::string& path) {
  for (const char* folder : {"plugin_api/templates/", "examples/", "tests/", "host/templates/", "third_party/"})
    if (path.starts_with(folder)) return true;
  static const std::map<std::string, std::string> files = {
      {"CMakeLists.txt", "the place"},
      {"CHANGELOG.md", "its sections are versions"},
      {"plugins/sdk/include/osiris/sdk/version.h", "the SDK's own (docs/decisions/0192)"},
      {"host/adapters/host_services.h", "an adapter's, as an example"},
      {"host/compiler/manifest.h", "OML's"},
      {"host/compiler/oml_document.cc", "OML's"},
      {"host/importing/imported.cc", "OML's"}};
  return files.count(path) > 0;
}

// Lines with the version's digits that do not speak of OML, whose version is another one.
std::vector<std::string> spelled_in(const SourceFile& file, const std::string& version) {
  std::vector<std::string> lines;
  if (has_versions_of_its_own(file.path) || file.text.find(version) == std::string::npos) return lines;
  const auto is_part_of_more = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.'; };
  for (const std::string& line : split(file.text, '\n')) {
    if (line.find("oml") != std::string::npos || line.find("OML") != std::string::npos) continue;
    for (size_t at = 0; (at = line.find(version, at)) != std::string::npos; at += version.size()) {
      const size_t end = at + version.size();
      const bool is_number_of_more =
          (at > 0 && (std::isdigit(static_cast<unsigned char>(line[at - 1])) || line[at - 1] == '.')) ||
          (end < line.size() && is_part_of_more(line[end]) && !(line[end] == '.' && end + 1 == line.size()));
      if (!is_number_of_more) lines.push_back(file.path + ": " + line);
    }
  }
  return lines;
}

std::string version_of_the_project() {
  for (const SourceFile& file : all_files()) {
    if (file.path != "CMakeLists.txt") continue;
    static const std::regex project(R"(\nproject\(osiris VERSION ([0-9]+\.[0-9]+\.[0-9]+) )");
    std::smatch found;
    if (std::regex_search(file.text, found, project)) return found[1];
  }
  return "";
}

TEST(Version, OfOsirisIsSaidInOnePlace) {
  const std::string version = version_of_the_project();
  ASSERT_FALSE(version.empty()) << "CMakeLists.txt has no project(osiris VERSION 1.2.3 ...)";
  for (const SourceFile& file : all_files())
    EXPECT_THAT(spelled_in(file, version), IsEmpty()) << "write <version>, or take it from PROJECT_VERSION";
}

TEST(Version, HasItsSectionInTheChangelog) {
  const std::string version = version_of_the_project();
  for (const SourceFile& file : all_files()) {
    if (file.path != "CHANGELOG.md") continue;
    const bool is_to_come = file.text.find("\n## Unreleased (" + version + ")\n") != std::string::npos;
    EXPECT_TRUE(is_to_come || file.text.find("\n## " + version + " (20") != std::string::npos);
  }
}

TEST(Version, ThatIsSpelledElsewhereIsFound) {
  EXPECT_THAT(spelled_in({"README.md", "dpkg -i osiris_4.5.6_amd64.deb\n"}, "4.5.6"),
              ElementsAre("README.md: dpkg -i osiris_4.5.6_amd64.deb"));
  EXPECT_THAT(spelled_in({"host/x.cc", "\"v4.5.6\"\nis 4.5.6.\n"}, "4.5.6"), testing::SizeIs(2));
  EXPECT_THAT(spelled_in({"docs/x.md", "14.5.6, 4.5.60, 4.5.6.7 and 4.5.6rc1\noml_version: \"4.5.6\"\n"}, "4.5.6"),
              IsEmpty());
  EXPECT_THAT(spelled_in({"tests/x.cc", "4.5.6"}, "4.5.6"), IsEmpty());
}

}  // namespace
}  // namespace osiris::tidy
