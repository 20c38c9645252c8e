// A step that writes rows to the test's S3 service, and its requests by what they do.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "tests/drivers/harness.h"
#include "tests/remote/object_server.h"

namespace osiris::worker::test {

using osiris::test::ObjectFault;
using osiris::test::ObjectRequest;
using osiris::test::ObjectServer;
using osiris::test::ObjectServerOptions;
using osiris::test::xml_error;
using Kind = ObjectFault::Kind;

inline constexpr char kKey[] = "AKIDEXAMPLE", kSecret[] = "canary/secret+key";
inline constexpr char kFew[] = "SELECT i AS id, 'row ' || i AS name FROM range(3) t(i)";

inline ObjectServerOptions signed_options() {
  ObjectServerOptions options;
  options.key_id = kKey;
  options.secret = kSecret;
  options.session_token = "token/1";
  options.region = "eu-central-1";
  return options;
}

class Write : public StepHarness {
 public:
  Write(const ObjectServer& server, const std::string& path, const std::string& select,
        std::initializer_list<Json::Member> more = {})
      : StepHarness("write") {
    Json config = Json::object({{"path", path}});
    for (const auto& [key, value] : more) config.set(key, value);
    set_config(std::move(config));
    set_connection("filesystem", "lake",
                   Json::object({{"endpoint", server.url()},
                                 {"region", "eu-central-1"},
                                 {"access_key_id", kKey},
                                 {"secret_access_key", kSecret},
                                 {"session_token", "token/1"}}));
    add_input("rows", select);
  }
  Error error(const Driver& driver) {
    const auto done = run(driver);
    EXPECT_FALSE(done.ok());
    return done.ok() ? Error() : done.error();
  }
};

inline std::string call_of(const ObjectRequest& request) {
  return request.method + (request.has_parameter("uploads")      ? " uploads"
                           : request.has_parameter("partNumber") ? " part"
                           : request.has_parameter("uploadId")   ? " upload"
                                                                 : "");
}

// `fault` in the first `times` requests of this kind.
inline auto in(const std::string& call, ObjectFault fault, int times) {
  auto left = std::make_shared<std::atomic<int>>(times);
  return [=](const ObjectRequest& request, size_t) -> std::optional<ObjectFault> {
    if (call_of(request) != call || (*left)-- <= 0) return std::nullopt;
    return fault;
  };
}

}  // namespace osiris::worker::test
