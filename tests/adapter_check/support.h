// Runs osiris-adapter-check as a user does, and reads its result.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/base/subprocess.h"

namespace osiris::check_tests {

std::filesystem::path build_dir();
std::filesystem::path adapter(const std::string& id);      // one that is shipped
std::filesystem::path template_of(const std::string& id);  // one that authors begin with, as tests/abi builds it

CommandOutput run_check(const std::vector<std::string>& arguments, int64_t timeout_ms = 840'000);

// The document of --json.
struct Checked {
  int exit = -1;
  Json document;
  std::map<std::string, std::string> outcomes;  // by id
  std::string failures;                         // for a message: what failed and why, a line each
  std::map<std::string, std::string> reasons;   // by id, of what failed or was skipped
  int64_t count(const char* outcome) const { return document["totals"][outcome].as_int(); }
};
Checked check(std::vector<std::string> arguments);

}  // namespace osiris::check_tests
