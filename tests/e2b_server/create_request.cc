#include "tests/e2b_server/create_request.h"

#include <algorithm>

namespace osiris::e2b_server {
namespace {

constexpr size_t kRuleDomainsMax = 10;

ApiError invalid(const std::string& what) { return {400, "validation error: " + what, {}}; }

bool names_domains(const Json& list) {
  for (const Json& item : list.items())
    if (item.as_string().find(':') == std::string::npos && item.as_string().find_first_not_of("0123456789./") != std::string::npos) return true;
  return false;
}

bool denies_everything(const Json& list) {
  return std::any_of(list.items().begin(), list.items().end(), [](const Json& item) { return item.as_string() == "0.0.0.0/0"; });
}

bool is_bool_or_absent(const Json& value) { return value.is_null() || value.is_bool(); }
bool is_object_or_absent(const Json& value) { return value.is_null() || value.is_object(); }

std::optional<ApiError> check_types(const Json& body) {
  if (!body["timeout"].is_null() && !body["timeout"].is_int()) return invalid("property \"timeout\" must be an integer");
  for (const char* key : {"secure", "allow_internet_access", "autoPause", "autoPauseMemory"})
    if (!is_bool_or_absent(body[key])) return invalid("property \"" + std::string(key) + "\" must be a boolean");
  for (const char* key : {"metadata", "envVars", "network", "autoResume"})
    if (!is_object_or_absent(body[key])) return invalid("property \"" + std::string(key) + "\" must be an object");
  for (const char* key : {"metadata", "envVars"})
    for (const auto& [name, value] : body[key].members())
      if (!value.is_string()) return invalid("\"" + std::string(key) + "." + name + "\" must be a string");
  return std::nullopt;
}

}  // namespace

std::optional<ApiError> check_egress(const Json& network) {
  for (const char* key : {"allowOut", "denyOut"}) {
    if (!network[key].is_null() && !network[key].is_array()) return invalid("\"network." + std::string(key) + "\" must be an array");
    for (const Json& item : network[key].items())
      if (!item.is_string()) return invalid("\"network." + std::string(key) + "\" must hold strings");
  }
  if (names_domains(network["allowOut"]) && !denies_everything(network["denyOut"]))
    return ApiError{400, "When specifying allowed domains in allowOut, denyOut must contain 0.0.0.0/0", {}};
  if (network["rules"].size() > kRuleDomainsMax) return invalid("\"network.rules\" has more than 10 domains");
  return std::nullopt;
}

std::optional<ApiError> check_timeout(int64_t timeout_s, int64_t life_max_s) {
  if (timeout_s <= 0) return ApiError{400, "Timeout must be greater than 0", {}};
  if (timeout_s <= life_max_s) return std::nullopt;
  const bool is_whole = life_max_s % 3600 == 0;
  return ApiError{400, "Timeout cannot be greater than " + std::to_string(is_whole ? life_max_s / 3600 : life_max_s) + (is_whole ? " hours" : " seconds"), {}};
}

std::optional<ApiError> check_idempotency_key(const std::string& key) {
  constexpr size_t kKeyMax = 255;
  const bool fits = !key.empty() && key.size() <= kKeyMax && key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (fits) return std::nullopt;
  return invalid("header \"Idempotency-Key\" must be 1 to 255 lower-case letters, digits and hyphens");
}

std::optional<ApiError> check_create(const Json& body) {
  if (!body.is_object()) return invalid("the body is not a JSON object");
  if (!body["templateID"].is_string()) return invalid("property \"templateID\" is missing");
  if (auto wrong = check_types(body)) return wrong;
  if (!body["autoPauseMemory"].as_bool(true) && (!body["autoPause"].as_bool() || body["autoResume"]["enabled"].as_bool()))
    return ApiError{400, "autoPauseMemory: false needs autoPause and excludes autoResume", {}};
  if (body["volumeMounts"].size() > 0) return ApiError{400, "volumeMounts: this server has no volumes", {}};
  return check_egress(body["network"]);
}

}  // namespace osiris::e2b_server
