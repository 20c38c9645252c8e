#include "host/run/early_run.h"

#include <set>
#include <string>

#include "host/adapters/instance.h"

namespace osiris {

void begin_early(const LoadedAdapter& adapter, const std::filesystem::path& worker,
                 const std::filesystem::path& work_dir, const PipelineFile& pipeline) {
  std::set<std::string> drivers;  // a component has its driver's name
  if (const YamlNode* steps = pipeline.root.find("steps"))
    for (const YamlNode& step : steps->items)
      if (const YamlNode* component = step.find("component")) drivers.insert(component->text());
  begin_early(*adapter.type, worker, work_dir, {drivers.begin(), drivers.end()});
}

}  // namespace osiris
