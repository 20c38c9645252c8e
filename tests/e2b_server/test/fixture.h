// A server, and the few calls every test of it makes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/e2b_server/testing/http_client.h"
#include "tests/e2b_server/testing/server_process.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_server {

class ServerTest : public testing::Test {
 protected:
  void start_server(const std::vector<std::string>& arguments = {});
  void TearDown() override;

  static Json parsed(const char* text) { return *parse_json(text); }
  HttpAnswer api(const std::string& method, const std::string& path, const Json& body = {}, const Pairs& more = {});
  SandboxHandle create(const Json& body = Json::object({{"templateID", "base"}}));
  static HttpAnswer envd(const SandboxHandle& sandbox, const std::string& method, const std::string& target,
                         const Pairs& headers = {}, std::string_view body = {});
  static HttpAnswer rpc(const SandboxHandle& sandbox, const std::string& method, const Json& message);
  // bash -c, until its end.
  static EventStream::Outcome run(const SandboxHandle& sandbox, const std::string& command, const Pairs& headers = {});
  static Json shell(const std::string& command, bool with_stdin = false);
  // Empty when there is no such file.
  static std::string read(const SandboxHandle& sandbox, const std::string& path);

  std::unique_ptr<ServerProcess> server_;
};

// Of this machine: programs of that name with `mark` in their command line.
int count_processes(const std::string& name, const std::string& mark);

using test::eventually;

// Under CI a missing capability is a failure, elsewhere a printed skip.
#define OSIRIS_NEEDS(condition, what)                                  \
  if (!(condition)) {                                                  \
    if (std::getenv("CI")) FAIL() << "this machine has no " << (what); \
    GTEST_SKIP() << "this machine has no " << (what);                  \
  }

}  // namespace osiris::e2b_server
