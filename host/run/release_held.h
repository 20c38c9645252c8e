// What an isolated adapter held when its process was lost is given back by the process of another instance.
#pragma once

#include "host/adapters/loader.h"
#include "host/adapters/options.h"
#include "host/run/run_events.h"

namespace osiris {

// Asks the adapter's osiris.resources/1 to release each of `resources` that is not released, takes no notice of a stop,
// and tells `events` of what was proved to be gone. Each call is bounded by its grace. The entries of a document
// "released" (docs/plugin-abi.md). `settings_json` as in AdapterRequest.
Json release_held(const LoadedAdapter& adapter, const ResolvedOptions& options, const std::string& settings_json,
                  const RemoteResources& resources, RunEvents& events);

}  // namespace osiris
