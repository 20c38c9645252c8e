#include "host/run/early_run.h"

#include <set>
#include <string>

#include "host/adapters/instance.h"

namespace osiris {

void begin_early(const LoadedAdapter& adapter, const std::filesystem::path& worker,
                 const std::filesystem::path& work_dir, const CompiledPipeline& pipeline) {
  std::set<std::string> drivers;
  for (const CompiledStep& step : pipeline.steps) drivers.insert(step.driver);
  begin_early(*adapter.type, worker, work_dir, {drivers.begin(), drivers.end()});
}

}  // namespace osiris
