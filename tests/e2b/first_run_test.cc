// The first run of docs/e2b.md, as it is written there: every command of the section in turn, in one project, against
// the local server.
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

// The lines of the section's code fences that are calls of osiris, without their comments.
std::vector<std::string> commands_of_first_run() {
  const std::string manual = *read_file(e2e::source_dir() / "docs/e2b.md");
  const size_t begin = manual.find("\n## A first run\n"), end = manual.find("\n## ", begin + 1);
  std::vector<std::string> commands;
  bool is_code = false;
  for (const std::string& line : split(std::string_view(manual).substr(begin, end - begin), '\n')) {
    if (line.starts_with("```"))
      is_code = !is_code;
    else if (is_code && line.starts_with("osiris "))
      commands.emplace_back(trim(std::string_view(line).substr(0, line.find('#'))));
  }
  return commands;
}

TEST(FirstRun, EveryCommandOfTheManualWorksInItsOrder) {
  const ServerProcess server = start_server();
  Project project;
  std::filesystem::copy(e2e::source_dir() / "examples/01-csv-duckdb-csv", project.dir(),
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  use_server(project, server);
  const std::vector<std::string> commands = commands_of_first_run();
  ASSERT_GE(commands.size(), 8u);
  std::vector<std::string> outputs;
  for (const std::string& command : commands) {
    std::vector<std::string> words = split(command, ' ');
    words.erase(words.begin());
    for (std::string& word : words)
      if (word == "ID") {
        ASSERT_EQ(server.sandboxes().size(), 1u) << "the kept one";
        word = server.sandboxes().items().front()["sandboxID"].as_string();
      }
    const Outcome outcome = project.osiris(words);
    EXPECT_EQ(outcome.exit, 0) << command << "\n" << outcome.out << outcome.err;
    outputs.push_back(outcome.out);
  }
  const auto said = [&](std::string_view command, std::string_view text) {
    for (size_t i = 0; i < commands.size(); ++i)
      if (commands[i].find(command) != std::string::npos && outputs[i].find(text) != std::string::npos) return true;
    return false;
  };
  EXPECT_TRUE(said("resources list", "Nothing is held."));
  EXPECT_TRUE(said("resources list", "kept"));
  EXPECT_TRUE(said("run pipeline.yaml --e2b", "killed, and its end was verified"));
  EXPECT_EQ(project.read("out/harbor_fees_by_vessel.csv"),
            *read_file(e2e::source_dir() / "examples/01-csv-duckdb-csv/expected/out/harbor_fees_by_vessel.csv"));
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
