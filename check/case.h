// One case of the conformance program: a promise of the ABI in a sentence, and the function that puts an adapter to it.
// A case runs alone, in a process of its own (child.h); what it uses is in its Bench.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace osiris::check {

class Bench;

// What a case cannot do without; where it is missing the case is skipped, with the reason.
enum Needs : unsigned {
  kNothing = 0,
  kLoaded = 1,        // a library that loads and tables that can be read
  kTables = 2,        // tables without a defect
  kRuns = 4,          // a worker, and an adapter that runs pipelines
  kChannel = 8,       // an adapter that starts the worker it is given on this machine
  kResources = 16,    // osiris.resources/1
  kExplanation = 32,  // osiris.explain/1
  kManifest = 64,     // an <id>.adapter.toml beside the library
  kShared = 128,      // a process that the adapter shares with osiris: its manifest asks for none of its own
};

struct Case {
  std::string_view id;       // stable: "cancel.twice"; the part before the dot is its group
  std::string_view promise;  // one sentence for a person
  std::function<void(Bench&)> run;
  unsigned needs = kTables;
};

// In the order in which they are listed; ids are distinct.
const std::vector<Case>& all_cases();

// By group; each is one file in check/cases/.
std::vector<Case> file_cases();
std::vector<Case> manifest_cases();
std::vector<Case> load_cases();
std::vector<Case> table_cases();
std::vector<Case> extension_cases();
std::vector<Case> life_cases();
std::vector<Case> configure_cases();
std::vector<Case> validate_cases();
std::vector<Case> prepare_cases();
std::vector<Case> borrow_cases();
std::vector<Case> service_cases();
std::vector<Case> process_cases();
std::vector<Case> run_cases();
std::vector<Case> output_cases();
std::vector<Case> cancel_cases();
std::vector<Case> secret_cases();
std::vector<Case> channel_cases();
std::vector<Case> resource_cases();
std::vector<Case> explain_cases();

}  // namespace osiris::check
