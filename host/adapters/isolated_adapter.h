// An adapter whose library runs in a process of its own (`--isolate`, `isolate` of its manifest): a table like any
// other, whose slots ask that process. What the adapter does to its process (a crash, an exit, a hang past its grace)
// is the failure of one call here, and what it held can be released by the process of another instance.
#pragma once

#include <osiris/adapter.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "host/adapters/isolation_wire.h"
#include "protocol/base/error.h"

namespace osiris {

class AdapterProcess;

// The program whose main() hands kIsolatedAdapterWord to run_isolated_adapter(): osiris. Before the first load; without
// it no adapter can be isolated. `grace_ns`: how long a call without a request may go on once it was told to stop; the
// ABI's 30 s, but for tests.
void set_isolation_program(std::filesystem::path program, int64_t grace_ns = 30'000'000'000);
const std::filesystem::path& isolation_program();  // empty: none

class IsolatedAdapter {
 public:
  struct Library {
    std::filesystem::path file;      // canonical
    std::filesystem::path manifest;  // that named it
    std::string id;
  };
  // Starts a process, which loads the library and tells of its table. Lives for ever, as tables do. The error is the
  // loader's, or says how the process ended.
  static Result<IsolatedAdapter*> load(Library library);
  ~IsolatedAdapter();
  IsolatedAdapter(const IsolatedAdapter&) = delete;
  IsolatedAdapter& operator=(const IsolatedAdapter&) = delete;

  // Static; each create() of it has a process, which destroy() ends.
  const osiris_adapter_type* type() const { return &slots_.table; }
  uint32_t abi() const { return description_.abi; }
  // Whether a process ended while it was needed. Every later call is bounded by its grace. [any thread]
  bool has_lost_a_process() const { return lost_; }

 private:
  struct Slots {  // the table first: a slot without an instance is given it
    osiris_adapter_type table{};
    IsolatedAdapter* self = nullptr;
  };
  struct Table;  // the static functions
  explicit IsolatedAdapter(Library library);
  Result<std::unique_ptr<AdapterProcess>> take_process();
  void begin_early(const osiris_early_run& run);

  const Library library_;
  isolation::Description description_;
  Slots slots_;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::unique_ptr<AdapterProcess> described_;  // the process that told of the table, until an instance needs one
};

}  // namespace osiris
