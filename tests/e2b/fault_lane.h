// One local E2B server and the runs that go through it one after the other, each with a project of its own. Several
// lanes, each on a thread, make a test of many runs short: most of a faulty run is waiting.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2b/remote_calls.h"
#include "tests/e2b/run_checks.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/unit/http/cutting_front.h"

namespace osiris::e2b_test {

// The flags that scale every limit of the adapter down.
std::vector<std::string> scaled_limits();

class Lane {
 public:
  explicit Lane(int number);

  // The call's scenario with the fault striking the call; no fault: as it is without one.
  Ended run(const RemoteCall& call, const std::optional<FaultCase>& fault);
  // A pipeline of one's own, with a plan of faults; `hit`: any of them struck. `files`: what lies in the project.
  Ended run_pipeline(const std::string& oml, const std::map<std::string, std::string>& files,
                     const std::vector<std::string>& options, const Json& faults,
                     const std::map<std::string, std::string>& outputs);
  ServerProcess& server() { return server_; }

 private:
  struct Prepared {
    std::vector<std::string> arguments;
    std::vector<Json> setup;  // faults that make the scenario
    int exit = 0;             // as it ends without the fault
    int kept_max = 0;
    std::string interrupt_at;  // Ctrl-C when this has been printed
  };
  Outcome run_under(const Project& project, const std::vector<std::string>& arguments, const std::string& interrupt_at,
                    const Json& faults, Ended& ended);
  Prepared prepare(Scenario scenario, Project& project);
  std::string api(const std::string& method, const std::string& path, const Json& body = {}) const;
  void go_through_front(Project& project, const FaultCase& fault);
  void await_quiet() const;
  void remove_templates() const;

  ServerProcess server_;
  std::unique_ptr<http::CuttingFront> front_;  // once a fault has needed it
  const int number_;
  int shapes_ = 0;
};

// Runs `work(lane, index)` for 0..count-1 on `lanes` threads.
void run_in_lanes(int lanes, size_t count, const std::function<void(Lane&, size_t)>& work);

}  // namespace osiris::e2b_test
