// A worker that is faulty in one way: a program that an adapter starts in place of osiris-worker, that starts the real
// one and passes on what both say, but for its fault. It is osiris-adapter-check itself, by way of a script that names
// it as its interpreter, so that the adapter sees an ordinary executable file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "check/bench/bench.h"
#include "check/bench/processes.h"

namespace osiris::check {

struct WorkerFault {
  const char* name;
  const char* what;  // what is wrong with the worker, for the promise of the case
  // The run can go on as if nothing were: it has to be a success. Otherwise it has to be honest, whatever it comes to.
  bool is_harmless;
  // Nothing more comes from such a worker: only a cancel ends the run.
  bool needs_cancel;
};
const std::vector<WorkerFault>& worker_faults();

// For one run of one case.
class WorkerBetween {
 public:
  WorkerBetween(Bench& bench, const std::string& fault);
  const std::filesystem::path& path() const { return script_; }
  const std::string& sha256() const { return sha256_; }
  bool was_started() const;
  // Its fault has come, and it is one after which it says nothing of use.
  bool has_stopped() const;
  // The program as it was started, before it did anything.
  ProcessView as_started() const;

 private:
  std::filesystem::path script_;
  std::string sha256_;
};

// main() of the program in between; `script` is what the adapter started.
int run_worker_between(const std::filesystem::path& script);

}  // namespace osiris::check
