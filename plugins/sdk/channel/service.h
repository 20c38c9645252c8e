// The service behind a remote worker, as far as its failures go: how they read, and whether they pass. Their class, and
// how long the service asked to wait, are in their detail (protocol/model/failure_class.h).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/failure_class.h"

namespace osiris::sdk {

using Milliseconds = std::chrono::milliseconds;

// [any thread]
class Service {
 public:
  virtual ~Service() = default;

  // The adapter's id, and the words of messages and events: what remote machines are called ("sandbox", "sandboxes"),
  // and who answers for the files and processes of one ("envd").
  virtual std::string_view id() const = 0;
  virtual std::string_view noun() const = 0;
  virtual std::string_view plural() const = 0;
  virtual std::string_view daemon() const = 0;

  // An error of this service's. An empty hint: the usual one of the class.
  virtual Error failure(FailureClass failure, std::string message, std::string hint = {},
                        Json detail = Json::object()) const = 0;
  // Whether the same call may well succeed later. False for an error that is not of this service.
  virtual bool may_pass(const Error& error) const = 0;
  // The same error, saying that it took `attempts` to come to it.
  virtual Error after_attempts(Error error, int attempts) const = 0;
};

}  // namespace osiris::sdk
