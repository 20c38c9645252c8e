// The program osiris-http of this build.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "host/http/client.h"

namespace osiris::http {

inline std::filesystem::path built_client_program() {
  const char* const build = std::getenv("OSIRIS_BUILD_DIR");
  EXPECT_NE(build, nullptr) << "run this through ctest";
  return client_program(std::filesystem::path(build ? build : "/") / "lib/osiris");
}

}  // namespace osiris::http
