#include "protocol/base/error_detail.h"

#include <utility>

#include "protocol/base/json.h"

namespace osiris {

std::string detail_text(const Error& error) {
  Json detail = error.detail.is_object() ? error.detail : Json::object();
  if (!error.category.empty() && !detail.contains("category")) detail.set("category", error.category);
  return detail.size() > 0 ? detail.dump() : std::string();
}

Error error_with_detail(Code code, std::string message, std::string hint, std::string_view detail_text) {
  auto detail = detail_text.empty() ? Result<Json>(Json()) : parse_json(detail_text);
  return error_of_detail(code, std::move(message), std::move(hint), detail ? *std::move(detail) : Json());
}

Error error_of_detail(Code code, std::string message, std::string hint, Json detail) {
  Error error(code, std::move(message), std::move(hint), detail["category"].as_string());
  detail.erase("category");
  if (detail.is_object() && detail.size() > 0) error.detail = std::move(detail);
  return error;
}

}  // namespace osiris
