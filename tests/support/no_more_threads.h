// A machine that has no more threads, for as long as this lives: each new one would ask for a stack that is larger than
// an address space. Threads that are there go on.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdlib>

namespace osiris {

// More than any process can map; a process that is started with this limit has no second thread either.
inline constexpr size_t kImpossibleStack = size_t{1} << 48;

class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_attr_t none;
    if (::pthread_getattr_default_np(&before_) != 0 || ::pthread_getattr_default_np(&none) != 0 ||
        ::pthread_attr_setstacksize(&none, kImpossibleStack) != 0 || ::pthread_setattr_default_np(&none) != 0)
      std::abort();
    ::pthread_attr_destroy(&none);
  }
  ~NoMoreThreads() {
    ::pthread_setattr_default_np(&before_);
    ::pthread_attr_destroy(&before_);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace osiris
