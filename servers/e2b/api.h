// Results of control-plane operations: a value, or the HTTP error a client sees.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "servers/e2b/http.h"

namespace osiris::e2b_server {

struct ApiError {
  int status = 500;
  std::string message;
  std::string error_code;                 // optional member of the body
  std::optional<bool> should_retry = {};  // the header Should-Retry
};

template <class T>
class Api {
 public:
  Api(T value) : value_(std::move(value)) {}
  Api(ApiError error) : error_(std::move(error)) {}
  bool ok() const { return !error_; }
  T& operator*() { return *value_; }
  T* operator->() { return &*value_; }
  const ApiError& error() const { return *error_; }

 private:
  std::optional<T> value_;
  std::optional<ApiError> error_;
};

inline void respond(Exchange& exchange, const ApiError& error) {
  Json body = Json::object({{"code", error.status}, {"message", error.message}});
  if (!error.error_code.empty()) body.set("error_code", error.error_code);
  if (error.should_retry) exchange.add_header("should-retry", *error.should_retry ? "true" : "false");
  exchange.respond_json(error.status, body);
}

// "i" and 20 of [a-z0-9]; 20 of [a-z0-9]; a version-4 UUID; hex digits. From the kernel's generator.
std::string new_sandbox_id();
std::string new_template_id();
std::string new_uuid();
std::string random_hex(size_t bytes);

}  // namespace osiris::e2b_server
