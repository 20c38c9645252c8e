#include "worker/executor/masked_config.h"

#include <string>
#include <vector>

#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

void mask_at(Json& value, const std::vector<std::string>& path, size_t depth) {
  if (depth == path.size()) {
    if (!value.is_null()) value = Json(kMasked);
    return;
  }
  if (value.is_object()) {
    for (auto& [key, member] : value.members()) {
      if (path[depth] == "*" || path[depth] == key) mask_at(member, path, depth + 1);
    }
  } else if (value.is_array()) {
    for (Json& item : value.items()) mask_at(item, path, path[depth] == "*" ? depth + 1 : depth);
  }
}

void mask_names(Json& value) {
  if (value.is_array()) {
    for (Json& item : value.items()) mask_names(item);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.members()) {
      if (names_a_secret(key) && !member.is_null() && !member.is_bool()) {
        member = Json(kMasked);
      } else {
        mask_names(member);
      }
    }
  }
}

}  // namespace

Json masked_config(Json config, std::string_view pointers, const Redactor& redactor) {
  for (const std::string& pointer : split(pointers, ' ')) {
    if (pointer.size() > 1) mask_at(config, split(std::string_view(pointer).substr(1), '/'), 0);
  }
  mask_names(config);
  redactor.redact(config);
  return config;
}

}  // namespace osiris::worker
