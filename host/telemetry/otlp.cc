#include "host/telemetry/otlp.h"

#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr size_t kTextBytesMax = 8 << 10;
constexpr int kDepthMax = 8;
constexpr const char* kScope = "osiris";

std::string text_value(const std::string& text) {
  if (text.size() <= kTextBytesMax) return is_valid_utf8(text) ? text : valid_utf8(text);
  size_t end = kTextBytesMax;
  while (end > 0 && continues_utf8(text[end])) --end;
  return valid_utf8(text.substr(0, end)) + "…";
}

Json key_value(std::string_view key, Json value) {
  return Json::object({{"key", text_value(std::string(key))}, {"value", std::move(value)}});
}

Json any_value(const Json& value, int depth) {
  if (value.is_bool()) return Json::object({{"boolValue", value}});
  if (value.is_uint64()) return Json::object({{"doubleValue", value.as_double()}});
  if (value.is_int()) return Json::object({{"intValue", otlp_number(value.as_int())}});
  if (value.is_double()) return Json::object({{"doubleValue", value}});
  if (value.is_string()) return Json::object({{"stringValue", text_value(value.as_string())}});
  if (value.is_null()) return Json::object();
  if (depth == 0) return Json::object({{"stringValue", text_value(value.dump())}});
  Json values = Json::array();
  if (value.is_array()) {
    for (const Json& item : value.items()) values.push_back(any_value(item, depth - 1));
    return Json::object({{"arrayValue", Json::object({{"values", std::move(values)}})}});
  }
  for (const auto& [key, item] : value.members()) values.push_back(key_value(key, any_value(item, depth - 1)));
  return Json::object({{"kvlistValue", Json::object({{"values", std::move(values)}})}});
}

}  // namespace

std::string otlp_number(int64_t number) { return std::to_string(number); }

Json otlp_value(const Json& value) { return any_value(value, kDepthMax); }

Json otlp_attributes(const Json& object) {
  Json out = Json::array();
  for (const auto& [key, value] : object.members())
    if (!value.is_null() && !key.empty()) out.push_back(key_value(key, otlp_value(value)));
  return out;
}

Json otlp_document(Signal signal, const Json& resource, std::string_view version, Json items) {
  static constexpr const char* kNames[3][3] = {{"resourceSpans", "scopeSpans", "spans"},
                                               {"resourceMetrics", "scopeMetrics", "metrics"},
                                               {"resourceLogs", "scopeLogs", "logRecords"}};
  const auto& [of_resource, of_scope, name] = kNames[static_cast<size_t>(signal)];
  const Json scope = Json::object({{"name", kScope}, {"version", version}});
  Json scoped = Json::object({{"scope", scope}, {name, std::move(items)}});
  Json whole = Json::object({{"resource", Json::object({{"attributes", otlp_attributes(resource)}})},
                             {of_scope, Json::array({std::move(scoped)})}});
  return Json::object({{of_resource, Json::array({std::move(whole)})}});
}

}  // namespace osiris
