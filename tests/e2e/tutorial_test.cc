// docs/tutorial.md as a reader follows it: its commands in one shell, from an empty directory, and what it says they
// print.
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

struct Block {
  std::string commands, prints;
};

// The blocks of commands, each with the block of text that may follow.
std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  std::string* into = nullptr;
  for (const std::string& line : split(page, '\n')) {
    if (line == "```sh") {
      blocks.emplace_back();
      into = &blocks.back().commands;
    } else if (line == "```text") {
      into = &blocks.back().prints;
    } else if (line == "```") {
      into = nullptr;
    } else if (into) {
      *into += line + "\n";
    }
  }
  return blocks;
}

TEST(Tutorial, CommandsPrintWhatThePageSays) {
  const Project project;
  std::filesystem::create_directories(project.dir() / "../empty");
  const std::vector<Block> blocks = blocks_of(project.read(source_dir() / "docs/tutorial.md"));
  ASSERT_GE(blocks.size(), 6u);
  constexpr const char* kMark = "@@@ the next block\n";
  std::string script;
  for (const Block& block : blocks)
    script += block.commands + "printf '" + std::string("@@@ the next block\\n") + "'\n";
  const Outcome outcome = project.shell_in("../empty", script);
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  std::string rest = outcome.out;
  for (const Block& block : blocks) {
    const size_t end = rest.find(kMark);
    ASSERT_NE(end, std::string::npos) << "not reached: " << block.commands;
    const std::string printed = rest.substr(0, end);
    // Without a text the page leaves the output to the reader.
    EXPECT_TRUE(printed.ends_with(block.prints)) << block.commands << "prints\n" << printed << "not\n" << block.prints;
    rest = rest.substr(end + std::string(kMark).size());
  }
}

}  // namespace
}  // namespace osiris::e2e
