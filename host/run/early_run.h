// A run that will most likely come, told to the adapter before its pipeline is compiled.
#pragma once

#include <filesystem>

#include "host/adapters/loader.h"
#include "host/compiler/compiler.h"

namespace osiris {

// Where the adapter can begin early (osiris/ext/early.h), it may begin now, beside all that comes before it is asked to
// execute. On the thread that will run the stages. A pipeline that turns out to be wrong ends what has begun with the
// process.
void begin_early(const LoadedAdapter& adapter, const std::filesystem::path& worker,
                 const std::filesystem::path& work_dir, const PipelineFile& pipeline);

}  // namespace osiris
