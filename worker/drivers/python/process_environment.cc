#include "worker/drivers/python/process_environment.h"

#include <algorithm>
#include <utility>

#include "worker/drivers/program/running.h"

namespace osiris::worker::python {

ProcessEnvironment process_environment_of(StepContext& step) {
  ProcessEnvironment around;
  around.supervisor = step.settings()["supervisor"].as_string();
  around.base = program::base_environment();
  around.pip = pip_environment(step.passed_environment());
  around.is_cancelled = [&step] { return step.is_cancelled(); };
  around.log = [&step](std::string_view text) { step.log(text); };
  around.event = [&step](std::string_view name, Json fields) { step.event(name, std::move(fields)); };
  return around;
}

Variables pip_environment(const Json& passed) {
  static constexpr std::string_view kKnown[] = {
      "HTTP_PROXY", "HTTPS_PROXY",   "NO_PROXY",           "ALL_PROXY",      "http_proxy",   "https_proxy", "no_proxy",
      "all_proxy",  "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR", "NETRC"};
  Variables variables;
  for (const auto& [name, value] : passed.members()) {
    if (name.starts_with("PIP_") || std::find(std::begin(kKnown), std::end(kKnown), name) != std::end(kKnown))
      variables.emplace_back(name, value.as_string());
  }
  return variables;
}

}  // namespace osiris::worker::python
