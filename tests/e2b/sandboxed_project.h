// A project whose runs may go to a local E2B server, the real one over real HTTP.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/e2b_server/testing/server_process.h"
#include "tests/e2e/project.h"

namespace osiris::e2b_test {

using e2b_server::ServerProcess;
using e2e::Outcome;
using e2e::Project;

// Starts a server or fails the test.
ServerProcess start_server(const std::vector<std::string>& arguments = {});

// `project` runs with this server's key and URLs from now on.
void use_server(Project& project, const ServerProcess& server);

// {"run", FILE, "--adapter", NAME, "--allow-mock", more...}
std::vector<std::string> run_arguments(const std::string& adapter, const std::vector<std::string>& more = {},
                                       const std::string& file = "pipeline.yaml");

// What must be equal between two runs of one pipeline (decision 14), as text that a failed expectation shows: the
// events of each step in order, the events of the run sorted; without time, durations, identities and the adapter's own
// lifecycle.
struct ComparableEvents {
  std::map<std::string, std::vector<std::string>> steps;
  std::vector<std::string> run;
};
ComparableEvents comparable_events(const std::filesystem::path& session);

// Metrics that must be equal: "name step value" for rows and counts, sorted.
std::vector<std::string> comparable_metrics(const std::filesystem::path& session);

// The bytes of each file below a directory, by its path from there; none where there is no directory.
std::map<std::string, std::string> files_below(const std::filesystem::path& directory);

// Nothing of a run may be left: no sandbox on the server.
void expect_no_sandbox(const ServerProcess& server);

// Waits until the server has a request to this route ("GET /files") that is not answered yet; false: there never was
// one.
[[nodiscard]] bool is_in_the_middle_of(const ServerProcess& server, const std::string& route);

// Of tests whose sandboxes have networks of their own, which takes root: skipped without it, and failed in CI.
class OwnNetworks : public testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace osiris::e2b_test
