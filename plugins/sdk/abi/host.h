// The host's services (osiris_host of <osiris/adapter.h>) in C++ types. Errors become ABI statuses here and nowhere
// else.
#pragma once

#include <osiris/adapter.h>
#include <osiris/adapter.hpp>

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

inline std::string_view view(osiris_str text) {
  return text.data ? std::string_view(text.data, text.len) : std::string_view();
}
inline osiris_str str(std::string_view text) { return {text.data(), text.size()}; }

// [any thread], like the services themselves. Borrows the host.
class Host {
 public:
  explicit Host(const osiris_host* host) : host_(host) {}
  const osiris_host* table() const { return host_.table(); }

  void log(int32_t level, std::string_view message, const Json& fields = {}) const;
  // time_unix_ns 0: the host stamps it. Waits for room in the host's queue; nothing is dropped.
  void event(std::string_view name, std::string_view step_id, const Json& data, int64_t time_unix_ns = 0) const;
  struct Metric {
    std::string_view name, unit, step_id;
    double value = 0;
    Json tags;
    int64_t time_unix_ns = 0;
  };
  void metric(const Metric& metric) const;
  void progress(double done, double total, std::string_view note) const;
  bool is_cancelled() const;
  // Lends the value to `use` for the time of the call; a `use` that copies it wipes the copy.
  Status with_secret(std::string_view name, const std::function<void(std::string_view value)>& use) const;

 private:
  plugin::Host host_;
};

// The same error as the exception that ends a call of an osiris::plugin::Adapter; the category goes into its detail.
plugin::Failure to_failure(const Error& error);

// In osiris errors are values; osiris::plugin::Adapter wants them thrown.
inline void check_or_throw(const Status& status) {
  if (!status) throw to_failure(status.error());
}
template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw to_failure(result.error());
  return *std::move(result);
}

}  // namespace osiris::sdk
