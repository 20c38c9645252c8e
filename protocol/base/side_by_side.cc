#include "protocol/base/side_by_side.h"

#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/base/thread.h"

namespace osiris {

void side_by_side(size_t count, const std::function<void(size_t)>& work) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto caught = [&](size_t index) {
    try {
      work(index);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  if (count > 1) threads.reserve(count - 1);
  while (threads.size() + 1 < count) {
    std::thread thread;
    if (!begin_thread(thread, [&caught, index = threads.size() + 1] { caught(index); })) break;
    threads.push_back(std::move(thread));
  }
  caught(0);
  for (std::thread& thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace osiris
