#include "protocol/model/requirement_set.h"

#include <set>

namespace osiris {

std::string requirement_set(const PlanStep& step) {
  std::set<std::string> requirements;
  for (const Json& requirement : step.cfg["requirements"].items()) requirements.insert(requirement.as_string());
  if (requirements.empty()) return {};
  Json list = Json::array();
  for (const std::string& requirement : requirements) list.push_back(requirement);
  return Json::object({{"python", step.cfg["python"].as_string_or("python3")}, {"requirements", list}})
      .dump_canonical();
}

}  // namespace osiris
