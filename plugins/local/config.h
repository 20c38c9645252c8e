// The options of the adapter `local`: those of every adapter that runs the worker.
#pragma once

#include <osiris/sdk/options.hpp>

namespace osiris::local {

using Config = adapter_sdk::WorkerOptions;
inline constexpr auto kRows = adapter_sdk::worker_rows<Config>();

}  // namespace osiris::local
