// dlopen by Boost.DLL, in library.cc and nowhere else. Loaded once, bound at once, private symbols, never unloaded: an
// adapter may keep threads, thread-exit destructors and static state, and unloading any of them crashes.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>

#include "protocol/base/error.h"

namespace osiris {

using AdapterMain = const osiris_module* (*)(const osiris_host_info*);

// `path` must be absolute and canonical. The second call for a path returns what the first found. [any thread]
Result<AdapterMain> load_adapter_main(const std::filesystem::path& path);

}  // namespace osiris
