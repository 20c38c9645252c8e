// Paths into JSON answers: the part of JSONPath (RFC 9535) that names members and items.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::web {

// One step of a path.
struct PathStep {
  enum class Kind { kMember, kItem, kAll };
  Kind kind = Kind::kMember;
  std::string name;  // kMember
  int64_t item = 0;  // kItem; negative: from the end
};

class JsonPath {
 public:
  // "data.users", "$.data['a b'][0]", "data.edges[*].node". `..`, filters and slices are kInvalidArgument.
  static Result<JsonPath> parse(std::string_view text);

  // The values it names, in their order. They live as long as `document`.
  std::vector<const Json*> find(const Json& document) const;
  // The value it names where there is one; null otherwise.
  const Json* first(const Json& document) const;
  const std::vector<PathStep>& steps() const { return steps_; }

 private:
  std::vector<PathStep> steps_;
};

}  // namespace osiris::worker::web
