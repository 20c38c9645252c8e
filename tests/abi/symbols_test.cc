// Every adapter exports one symbol and brings nothing else into the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string output_of(std::vector<std::string> arguments) {
  SpawnOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), "/usr/bin/env");
  options.environment = {{"PATH", getenv("PATH")}, {"LC_ALL", "C"}};
  const auto output = run_command(options, 60'000);
  EXPECT_TRUE(output.ok() && output->exit.success());
  return output.ok() ? output->standard_output : "";
}

std::vector<std::string> exported(const std::filesystem::path& library) {
  std::vector<std::string> names;
  for (const std::string& line : split(output_of({"nm", "-D", "--defined-only", library.string()}), '\n'))
    if (const size_t space = line.rfind(' '); space != std::string::npos) names.push_back(line.substr(space + 1));
  return names;
}

// Our test plugins, and every adapter this tree builds to be installed.
std::vector<std::filesystem::path> adapters() {
  std::vector<std::filesystem::path> found;
  for (const auto& directory : {build_dir() / "plugins", tree_dir() / "lib/osiris/adapters"}) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory, none))
      if (entry.path().extension() == ".so") found.push_back(entry.path());
  }
  return found;
}

TEST(Symbols, EachAdapterExportsItsEntryAndNothingElse) {
  ASSERT_GE(adapters().size(), 3u);
  for (const auto& library : adapters())
    EXPECT_THAT(exported(library), ElementsAre("osiris_adapter_main_v1")) << library;
}

TEST(Symbols, AnAdapterThatExportsMoreIsNoticed) {
  EXPECT_THAT(exported(defect("exports_more")), ::testing::Contains("osiris_tests_second_symbol"));
}

TEST(Symbols, NoAdapterBringsASearchPathOfItsOwn) {
  for (const auto& library : adapters()) {
    for (const std::string& line : split(output_of({"readelf", "-d", library.string()}), '\n'))
      EXPECT_EQ(line.find("RPATH"), std::string::npos) << library << ": " << line;
    for (const std::string& line : split(output_of({"readelf", "-d", library.string()}), '\n'))
      EXPECT_EQ(line.find("RUNPATH"), std::string::npos) << library << ": " << line;
  }
}

// What a plugin built here asks of the machine it runs on: printed, because it is what a user of an older system trips
// over.
TEST(Symbols, TheOldestSystemAnAdapterRunsOnIsKnown) {
  for (const auto& library : adapters()) {
    std::set<std::string> versions;
    for (const std::string& word : split(output_of({"readelf", "-V", library.string()}), ' '))
      if (word.starts_with("GLIBC_") || word.starts_with("GLIBCXX_")) versions.insert(std::string(trim(word)));
    RecordProperty(library.filename().string(), join({versions.begin(), versions.end()}, " "));
    EXPECT_THAT(versions, ::testing::Not(IsEmpty()));
  }
}

}  // namespace
}  // namespace osiris::abi_tests
