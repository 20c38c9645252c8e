#include "protocol/base/side_by_side.h"

#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

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
  try {
    while (threads.size() + 1 < count) threads.emplace_back(caught, threads.size() + 1);
  } catch (const std::system_error&) {  // no more threads: with those that are there
  } catch (const std::bad_alloc&) {     // nor memory for one
  }
  caught(0);
  for (std::thread& thread : threads) thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace osiris
