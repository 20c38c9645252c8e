#include "tests/adapter_check/support.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace osiris::check_tests {

std::filesystem::path build_dir() {
  const char* directory = std::getenv("OSIRIS_BUILD_DIR");
  return directory ? directory : ".";
}
std::filesystem::path adapter(const std::string& id) { return build_dir() / "lib/osiris/adapters" / (id + ".so"); }
std::filesystem::path template_of(const std::string& id) { return build_dir() / "tests/abi/plugins" / (id + ".so"); }

CommandOutput run_check(const std::vector<std::string>& arguments, int64_t timeout_ms) {
  SpawnOptions options;
  options.arguments = {(build_dir() / "bin/osiris-adapter-check").string()};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  for (const char* name : {"TMPDIR", "TSAN_OPTIONS", "ZOO_TOKEN"})
    if (const char* value = std::getenv(name)) options.environment.emplace_back(name, value);
  auto output = run_command(options, timeout_ms, 16 << 20);
  if (output.ok()) return *std::move(output);
  CommandOutput failed;
  failed.exit.value = -1;
  failed.standard_error = output.error().message;
  return failed;
}

Checked check(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const CommandOutput output = run_check(arguments);
  Checked checked;
  checked.exit = output.exit.value;
  auto document = parse_json(output.standard_output);
  EXPECT_TRUE(document.ok()) << output.standard_output << output.standard_error;
  if (!document.ok()) return checked;
  checked.document = *std::move(document);
  for (const Json& one : checked.document["cases"].items()) {
    const std::string &id = one["id"].as_string(), &outcome = one["outcome"].as_string();
    checked.outcomes[id] = outcome;
    checked.reasons[id] = one["reasons"].dump();
    if (outcome == "failed")
      checked.failures +=
          "case " + id + " failed after " + one["duration_ms"].dump() + " ms: " + checked.reasons[id] + "\n";
  }
  return checked;
}

}  // namespace osiris::check_tests
