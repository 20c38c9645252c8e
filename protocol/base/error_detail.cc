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
  Error error(code, std::move(message), std::move(hint));
  auto detail = detail_text.empty() ? Result<Json>(Json()) : parse_json(detail_text);
  if (!detail || !detail->is_object()) return error;
  error.category = (*detail)["category"].as_string();
  detail->erase("category");
  if (detail->size() > 0) error.detail = *std::move(detail);
  return error;
}

}  // namespace osiris
