#include "tests/e2e/page.h"

#include <gtest/gtest.h>

#include <regex>

#include "protocol/base/text.h"

namespace osiris::e2e {
namespace {

constexpr const char* kMark = "@@@ the next block";
constexpr const char* kEnd = "@@@ the file ends";

std::string script_of(const PageBlock& block) {
  if (block.file.empty()) return block.text;
  const std::string folder = std::filesystem::path(block.file).parent_path().string();
  return (folder.empty() ? "" : "mkdir -p " + folder + "\n") + "cat > " + block.file + " <<'" + kEnd + "'\n" +
         block.text + kEnd + "\n";
}

void expect_that_each_file_is_used(const std::vector<PageBlock>& blocks) {
  for (const PageBlock& block : blocks) {
    EXPECT_FALSE(block.language == "yaml" && block.file.empty()) << "line " << block.line << ": name this block's file";
    if (block.text.find("oml_version:") == std::string::npos) continue;
    bool is_named = false;
    for (const PageBlock& other : blocks)
      is_named |= other.language == "sh" && other.text.find(block.file) != std::string::npos;
    EXPECT_TRUE(is_named) << "line " << block.line << ": no command uses " << block.file;
  }
}

}  // namespace

std::vector<PageBlock> page_blocks(const std::string& page) {
  static const std::regex named(R"(^(?:#|--|//) ([A-Za-z0-9_./-]*[A-Za-z0-9_-]\.(?:yaml|yml|py|sql|toml))$)");
  std::vector<PageBlock> blocks;
  bool is_inside = false, is_first = false;
  int number = 0;
  for (const std::string& line : split(page, '\n')) {
    ++number;
    if (line.starts_with("```")) {
      is_inside = !is_inside;
      is_first = is_inside;
      if (is_inside) blocks.push_back({line.substr(3), "", "", number});
      continue;
    }
    if (!is_inside) continue;
    std::smatch found;
    if (is_first && std::regex_match(line, found, named)) blocks.back().file = found[1];
    is_first = false;
    blocks.back().text += line + "\n";
  }
  return blocks;
}

void follow_page(const Project& project, const std::filesystem::path& directory, const std::filesystem::path& page) {
  const std::vector<PageBlock> all = page_blocks(project.read(page));
  expect_that_each_file_is_used(all);
  std::string script;
  std::vector<std::pair<PageBlock, std::string>> run;  // and what it prints at the end
  for (const PageBlock& block : all) {
    if (block.language == "text" && !run.empty()) run.back().second = block.text;
    if (block.file.empty() && block.language != "sh") continue;
    run.emplace_back(block, "");
    script += script_of(block) + "printf '" + kMark + "\\n'\n";
  }
  ASSERT_GE(run.size(), 2u) << page << " has no commands";
  const Outcome outcome = project.shell_in(directory, script);
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  std::string rest = outcome.out;
  for (const auto& [block, prints] : run) {
    const size_t end = rest.find(std::string(kMark) + "\n");
    ASSERT_NE(end, std::string::npos) << page << ":" << block.line << ": not reached: " << block.text << outcome.err;
    const std::string printed = rest.substr(0, end);
    // Without a text the page leaves the output to the reader.
    EXPECT_TRUE(printed.ends_with(prints)) << page << ":" << block.line << ": " << block.text << "prints\n"
                                           << printed << "not\n"
                                           << prints;
    rest = rest.substr(end + std::string(kMark).size() + 1);
  }
}

}  // namespace osiris::e2e
