// Errors as values: everything that can fail returns Result<T> or Status. One exception crosses a header: an adapter's
// class throws plugin::Failure to <osiris/adapter.hpp>, which catches it. Three conversions, in three places: to an ABI
// status (plugins/sdk/abi), an RPC error object (protocol/rpc), a process exit status (host/run/exit_status.h).
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "protocol/base/json_value.h"

namespace osiris {

// One table of codes. The numbers equal the OSIRIS_* statuses of <osiris/adapter.h>; a test keeps them equal.
// What a caller should do stands beside each.
enum class Code : int32_t {
  kStepFailed = 1,       // the pipeline is at fault, the machinery worked: fix the step's input or SQL
  kCancelled = 2,        // the user asked: stop
  kDeadline = 3,         // out of time: give up or allow more
  kInvalidArgument = 4,  // input is wrong: fix it, a retry cannot help
  kInvalidState = 5,     // called out of order: report a bug
  kUnsupported = 6,      // cannot be done here: choose another way
  kNotFound = 7,         // the thing named does not exist: fix the name
  kUnauthenticated = 8,  // credentials refused: fix them
  kUnavailable = 9,      // the service is down or throttling: retry later
  kExhausted = 10,       // quota, disk, memory: free some, then retry
  kInternal = 11,        // a bug: report it
};

// "step_failed", "cancelled", ...: the spelling used in JSON.
std::string_view code_name(Code code);
// kInternal for a spelling it does not know.
Code code_from_name(std::string_view name);

// Message: what failed, on what, because what. Hint: what to try.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string hint;
  // What kind of thing went wrong, one of categories.h, assigned where the error is made; empty when none applies.
  std::string category;
  // An object for programs ({"request_id":...,"attempts":2}), or null; never a secret.
  Json detail;

  Error() = default;
  Error(Code c, std::string m, std::string h = {}, std::string cat = {})
      : code(c), message(std::move(m)), hint(std::move(h)), category(std::move(cat)) {}

  // The same error with "<context>: " before its message.
  Error within(std::string_view context) const {
    Error copy = *this;
    copy.message = std::string(context) + ": " + message;
    return copy;
  }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& operator*() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& operator*() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& operator*() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T* operator->() {
    assert(ok());
    return &std::get<0>(state_);
  }
  const T* operator->() const {
    assert(ok());
    return &std::get<0>(state_);
  }
  const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace osiris

// Returns the error of `expression` (a Status or a Result) from the enclosing function, if it has one.
#define OSIRIS_TRY(expression)                                                          \
  do {                                                                                  \
    if (auto osiris_try_ = (expression); !osiris_try_.ok()) return osiris_try_.error(); \
  } while (false)

#define OSIRIS_CONCAT_(a, b) a##b
#define OSIRIS_CONCAT(a, b) OSIRIS_CONCAT_(a, b)

// OSIRIS_ASSIGN(auto text, read_file(path));
#define OSIRIS_ASSIGN(declaration, expression) \
  OSIRIS_ASSIGN_(declaration, expression, OSIRIS_CONCAT(osiris_result_, __LINE__))
#define OSIRIS_ASSIGN_(declaration, expression, result) \
  auto result = (expression);                           \
  if (!result.ok()) return result.error();              \
  declaration = *std::move(result)
