// The secrets of one run: values looked up by the names of the request, lent for the length of a call, wiped after it.
//
// A value enters once, is made known to the masking before it can be printed, and leaves only through lend(). Nothing
// here can write a value anywhere.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/run/masking.h"
#include "protocol/base/error.h"
#include "protocol/base/wipe.h"

namespace osiris {

// [any thread]
class SecretStore {
 public:
  // `masking` must outlive the store.
  explicit SecretStore(Masking& masking) : masking_(masking) {}
  SecretStore(const SecretStore&) = delete;
  SecretStore& operator=(const SecretStore&) = delete;

  // Names: "connection/<family>.<alias>/<field>", "env/<NAME>", or an adapter's own such as "E2B_API_KEY".
  void add(std::string_view name, SecretString value);

  // Calls use(value) before it returns, on the calling thread, with a copy that is wiped afterwards. kNotFound for a
  // name that was not added.
  Status lend(std::string_view name, const std::function<void(std::string_view)>& use) const;

  std::vector<std::string> names() const;  // sorted

 private:
  Masking& masking_;
  mutable std::mutex mutex_;
  std::map<std::string, SecretString, std::less<>> values_;
};

}  // namespace osiris
