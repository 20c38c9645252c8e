// Local and remote parity over ssh: rows of the table that need no server but the machine itself give the same bytes,
// events, counts, status and messages there as here. Those of Python tell of the interpreter that the machine has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <regex>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/parity_table.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/ssh/sshd.h"

namespace osiris::ssh_tests {
namespace {

namespace fs = std::filesystem;
using e2b_test::ParityRow;

const std::set<std::string>& chosen() {
  static const std::set<std::string> names = {"Example01",
                                              "Example04",
                                              "Example06Prod",
                                              "CsvChain",
                                              "Crlf",
                                              "NoRows",
                                              "Checks",
                                              "ChecksFail",
                                              "SqlError",
                                              "MissingFile",
                                              "Ragged",
                                              "MockRows",
                                              "MockOutput",
                                              "MockEvents",
                                              "MockChild",
                                              "MockFailsWithACode",
                                              "MockRetried",
                                              "MockPrintsSecrets",
                                              "MockFailsAfterRows",
                                              "MockGarbage",
                                              "MockHangsPolitely",
                                              "MockExits",
                                              "MockCrashes"};
  return names;
}

struct Observed {
  int exit = -1;
  std::vector<std::string> errors;
  std::map<std::string, std::string> files;
  e2b_test::ComparableEvents events;
  std::vector<std::string> metrics;
  std::string output;
};

// Without what names this run alone: the project's directory, the worker, the adapter.
std::string scrubbed(std::string text, const fs::path& project) {
  static const std::regex worker((e2e::build_dir() / "lib/osiris/osiris-worker").string() + "|on far");
  static const std::regex adapter("adapter (local|ssh) [0-9.]+");
  for (size_t at; (at = text.find(project.string())) != std::string::npos;)
    text.replace(at, project.string().size(), "<project>");
  return std::regex_replace(std::regex_replace(text, worker, "<worker>"), adapter, "adapter <adapter>");
}

void add_files(const fs::path& directory, const std::string& prefix, const fs::path& project, Observed& seen) {
  std::error_code none;
  for (fs::recursive_directory_iterator at(directory, none), end; !none && at != end; at.increment(none))
    if (at->is_regular_file())
      seen.files[prefix + at->path().lexically_relative(directory).string()] =
          scrubbed(*read_file(at->path()), project);
}

Observed observe(const ParityRow& row, const Sshd* sshd) {
  const std::string adapter = sshd ? "ssh" : "local";
  e2e::Project project;
  for (const auto& [name, value] : row.environment) project.set(name, value);
  for (const auto& [name, content] : row.files) project.write(name, content);
  if (row.example.empty())
    project.write("pipeline.yaml", row.pipeline);
  else
    fs::copy(e2e::source_dir() / "examples" / row.example, project.dir(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  if (row.name == "MockOutput") fs::create_directory(project.dir() / "out");
  std::vector<std::string> arguments = {"run", "pipeline.yaml", "--allow-mock"};
  for (std::string argument : row.arguments) {
    if (const size_t at = argument.find("{adapter}"); at != std::string::npos) argument.replace(at, 9, adapter);
    arguments.push_back(std::move(argument));
  }
  const e2e::Outcome outcome = project.osiris(sshd ? with_ssh(*sshd, arguments) : arguments);
  Observed seen;
  seen.exit = outcome.exit;
  seen.output = outcome.out + outcome.err;
  for (const std::string& line : split(outcome.err, '\n'))
    if (line.starts_with("❌") || line.find("💡") != std::string::npos)
      seen.errors.push_back(scrubbed(line, project.dir()));
  add_files(project.dir() / "out", "", project.dir(), seen);
  add_files(project.session() / "artifacts", "artifacts/", project.dir(), seen);
  seen.events = e2b_test::comparable_events(project.session());
  for (auto& [step, events] : seen.events.steps)
    for (std::string& event : events) event = scrubbed(event, project.dir());
  seen.metrics = e2b_test::comparable_metrics(project.session());
  return seen;
}

TEST(SshParity, LocalAndSshAgreeOnEachRow) {
  const e2e::Project home;
  const Sshd sshd(home.dir() / "machine");
  size_t rows = 0;
  for (const ParityRow& row : e2b_test::parity_table()) {
    if (!chosen().contains(row.name)) continue;
    SCOPED_TRACE(row.name);
    ++rows;
    const Observed local = observe(row, nullptr), remote = observe(row, &sshd);
    EXPECT_EQ(local.exit, row.exit) << local.output;
    EXPECT_EQ(remote.exit, row.exit) << remote.output;
    EXPECT_EQ(local.errors, remote.errors);
    EXPECT_EQ(local.metrics, remote.metrics);
    EXPECT_EQ(local.events.steps, remote.events.steps);
    if (row.exit < 3)
      EXPECT_EQ(local.files, remote.files);
    else  // a worker that crashed packed nothing
      EXPECT_TRUE(remote.files.empty());
    EXPECT_THAT(sshd.names_in(sshd.runs()), testing::IsEmpty());
  }
  EXPECT_EQ(rows, chosen().size()) << "a row has another name in tests/e2b/parity_table.cc";
  EXPECT_THAT(sshd.workers(), testing::IsEmpty());
  std::printf("ssh: parity of %zu rows\n", rows);
}

}  // namespace
}  // namespace osiris::ssh_tests
