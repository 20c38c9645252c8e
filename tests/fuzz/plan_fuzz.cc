// Plans from hostile JSON: a step that is accepted names only directories of its own, and paths stay absolute.
//
// links: osiris_worker_executor osiris_model
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/model/plan.h"
#include "worker/executor/masked_config.h"
#include "worker/executor/path_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace osiris;
  using namespace osiris::worker;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const PathMap paths("/w", {{"/data", "/in"}});
  if (const auto plan = plan_from_json(*json)) {
    for (const PlanStep& step : plan->steps) {
      const auto directory = std::filesystem::path("/session/artifacts") / step.id;
      if (directory.lexically_normal().parent_path() != "/session/artifacts") std::abort();
      for (const PlanFile& file : step.outputs) {
        if (!paths.resolve(file.path).is_absolute()) std::abort();
      }
    }
  }
  static_cast<void>(masked_config(*json, "/a/b /*/c", Redactor()));
  return 0;
}
