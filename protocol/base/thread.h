// Threads, which a machine may refuse: a limit of processes (`ulimit -u`, the pids of a cgroup), or no room for a
// stack. Product code begins threads here only (a tidy test), so that a refusal is an answer and ends no process.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "protocol/base/error.h"

namespace osiris {

// kExhausted, system.resource_unavailable: "<what>: the machine has no more threads".
Error no_more_threads(std::string_view what);

// Runs `work` on a thread of its own, which is put into `thread`; that one is not joinable. False: the machine has no
// more threads, `thread` is as it was, and `work` is not called.
[[nodiscard]] bool begin_thread(std::thread& thread, std::function<void()> work);

// The same for a result. Without one (valid() is false) the machine has no more threads, and `work` is not called.
template <class Work>
[[nodiscard]] std::future<std::invoke_result_t<Work>> begin_async(Work work) {
  try {
    return std::async(std::launch::async, std::move(work));
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return {};
}

// The same where the result is wanted in any case: the machine without threads does the work when the result is asked
// for. (std::async without a policy does not: it has moved the work into the thread that it then cannot begin, and runs
// what is left of it.)
template <class Work>
[[nodiscard]] std::future<std::invoke_result_t<Work&>> begin_async_or_later(Work work) {
  const auto call = [shared = std::make_shared<Work>(std::move(work))] { return (*shared)(); };
  auto begun = begin_async(call);
  return begun.valid() ? std::move(begun) : std::async(std::launch::deferred, call);
}

}  // namespace osiris
