// From a name to a checked adapter table: find the manifest, check the library's permissions and its hash, where the
// manifest or the user's record (trusted_libraries.h) names one; load it, compare versions, look for defects. Adapters
// linked into the program take the same checks.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/adapters/discovery.h"
#include "host/adapters/library.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

class IsolatedAdapter;

struct LoadedAdapter {
  const osiris_adapter_type* type = nullptr;  // static, free of defects
  uint32_t abi = 0;                           // what its header was
  AdapterManifest manifest;                   // empty for a static adapter
  std::filesystem::path library;              // canonical; empty for a static adapter
  std::string build;                          // what it says of itself; empty: nothing
  std::string notice;                         // what its user should know before it runs; empty: nothing
  IsolatedAdapter* isolated = nullptr;        // of an adapter that runs in a process of its own; lives for ever

  std::string_view id() const;
  std::string_view version() const;
};

// Static adapters go first, then find_adapter(). Loads nothing but the library asked for; that into a process of its
// own where `isolate` or its manifest says so.
Result<LoadedAdapter> load_adapter(std::string_view id, const std::vector<SearchDirectory>& places,
                                   bool isolate = false);

// The part after discovery. The library must hold the adapter manifest.id.
Result<LoadedAdapter> load_adapter(const AdapterManifest& manifest, bool isolate = false);

struct LoadedModule {
  const osiris_adapter_type* type = nullptr;
  uint32_t abi = 0;
};
// Loads `library`, a canonical path, into this process and finds the adapter `id` in it, free of defects. `manifest` is
// the file that named it.
Result<LoadedModule> load_module(const std::filesystem::path& library, const std::filesystem::path& manifest,
                                 const std::string& id);

// For a program with adapters inside (built with -DOSIRIS_ADAPTER_MAIN=osiris_adapter_main_v1_<id>): call in main,
// before load_adapter. Fails as a library would.
Status register_static_adapter(AdapterMain entry);
std::vector<std::string> static_adapter_ids();

// What `osiris adapters show` prints: id, version, where from, secrets it may see, options as flag, variable and key.
Json describe_adapter(const LoadedAdapter& adapter);

}  // namespace osiris
