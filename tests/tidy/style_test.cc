// Habits that a machine can see, each with its remedy.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

// Regular expressions are slow over a whole tree: only a text that has one of these words is looked at closely.
bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text.find(word) != std::string::npos; });
}

bool is_product(const std::string& path) { return !path.starts_with("tests/") && !path.starts_with("bench/"); }

TEST(Style, NoProductFileGrowsPast450Lines) {
  for (const SourceFile& file : source_files()) {
    const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
    if (!is_product(file.path)) continue;
    EXPECT_LE(lines, 450) << file.path << ": there is a second noun inside; give it its own file";
  }
}

TEST(Style, EveryHeaderIsGuarded) {
  for (const SourceFile& file : source_files()) {
    const auto extension = std::filesystem::path(file.path).extension();
    if (extension != ".h" && extension != ".hpp") continue;
    const bool guarded = file.text.find("#pragma once") != std::string::npos || file.text.find("#ifndef") != std::string::npos;
    EXPECT_TRUE(guarded) << file.path << ": add #pragma once";
  }
}

TEST(Style, EveryProductFileOpensWithItsStoryOrItsHeader) {
  for (const SourceFile& file : source_files()) {
    if (!is_product(file.path) || file.path.ends_with(".cc")) continue;
    EXPECT_TRUE(file.text.starts_with("//") || file.text.starts_with("/*")) << file.path << ": say in the first lines what this is for";
  }
}

TEST(Style, NothingIsLeftUnfinished) {
  static const std::regex mark(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  for (const SourceFile& file : source_files()) {
    if (file.path.starts_with("tests/tidy/") || !has_any(file.text, {"TODO", "FIXME", "XXX", "HACK"})) continue;
    EXPECT_FALSE(std::regex_search(file.text, mark)) << file.path << ": finish it or say it in an issue";
  }
}

TEST(Style, NoTestIsCommentedOutOrDisabled) {
  static const std::regex disabled(R"(DISABLED_|^\s*//\s*TEST(_[FP])?\()", std::regex::multiline);
  for (const SourceFile& file : source_files()) {
    if (file.path.starts_with("tests/tidy/") || !has_any(file.text, {"DISABLED_", "// TEST", "//TEST"})) continue;
    EXPECT_FALSE(std::regex_search(file.text, disabled)) << file.path << ": a test runs or does not exist";
  }
}

TEST(Style, NoMachinePathAndNoRegistryHostIsWrittenDown) {
  static const std::regex path(R"((^|[^A-Za-z.])/(work|farm)/)");
  static const std::regex host(R"(registry\.npmjs|pypi\.org|crates\.io/api|proxy\.golang|deb\.debian\.org|repo1?\.maven)");
  for (const SourceFile& file : all_files()) {
    if (file.path.starts_with("tests/tidy/") ||
        !has_any(file.text, {"/work/", "/farm/", "registry.", "pypi", "crates", "proxy.golang", "deb.debian", "maven"}))
      continue;
    EXPECT_FALSE(std::regex_search(file.text, path)) << file.path << ": a path of one machine";
    EXPECT_FALSE(std::regex_search(file.text, host)) << file.path << ": name the package, not the registry";
  }
}

TEST(Style, ShellScriptsSayWhichShellAndStopOnErrors) {
  for (const SourceFile& file : all_files()) {
    if (!file.path.ends_with(".sh")) continue;
    EXPECT_TRUE(file.text.starts_with("#!/bin/sh") || file.text.starts_with("#!/bin/bash")) << file.path;
    EXPECT_NE(file.text.find("set -"), std::string::npos) << file.path << ": start with set -eu";
  }
}

}  // namespace
}  // namespace osiris::tidy
