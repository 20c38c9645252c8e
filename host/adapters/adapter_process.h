// One process of an isolated adapter, from the side of osiris: calls go to it, and what it asks of the host is
// answered.
#pragma once

#include <osiris/adapter.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "host/adapters/isolated_adapter.h"
#include "host/adapters/isolation_wire.h"
#include "protocol/base/subprocess.h"

namespace osiris {

class AdapterProcess {
 public:
  // Has loaded the library; `answer` is what it told of it.
  static Result<std::unique_ptr<AdapterProcess>> start(const IsolatedAdapter::Library& library, std::string& answer);
  ~AdapterProcess();  // ends it
  AdapterProcess(const AdapterProcess&) = delete;
  AdapterProcess& operator=(const AdapterProcess&) = delete;

  // From now on the process may ask things of this table. Once, before the first call. False: the machine has no more
  // threads, and no call may be made.
  bool serve(const osiris_host* host);

  // Before the first call. Does not wait for it.
  void begin_early(const osiris_early_run& run);

  struct Returned {
    osiris_status status = OSIRIS_INTERNAL;
    bool has_instance = false;
    std::optional<std::string> thrown;
  };
  // One at a time. A call that was told to stop, or is `bounded` from its begin, has grace_ns; then the process is
  // killed. None: it has ended.
  std::optional<Returned> call(isolation::Slot slot, std::string_view arguments, int64_t grace_ns, bool bounded);
  // [any thread] Passes it on, and begins the grace of the call that is going on.
  void cancel();
  // "exited with status 3", "was killed by signal 11 (SIGSEGV)"; after call() gave none.
  std::string end() const;

 private:
  explicit AdapterProcess(Subprocess process)
      : process_(std::move(process)), channel_(process_.stdout_fd(), process_.stdin_fd()) {}
  void read();
  void answer(const isolation::Message& message);
  void tell(const isolation::Message& message);
  // When the call that is going on has had its time (CLOCK_MONOTONIC, ns); 0: it may go on. With the lock.
  int64_t limit_ns() const;
  void take_stop(std::unique_lock<std::mutex>& lock);

  Subprocess process_;
  isolation::Channel channel_;
  const osiris_host* host_ = nullptr;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Returned> returned_;
  uint64_t call_ = 0;
  int64_t began_ns_ = 0, stopped_ns_ = 0, grace_ns_ = 0;
  bool is_bounded_ = false, is_over_ = false, has_ended_ = false;
  std::string end_;
};

}  // namespace osiris
