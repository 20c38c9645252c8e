// How the REST API shows a sandbox.
#pragma once

#include "servers/e2b/registry.h"

namespace osiris::e2b_server {

inline constexpr const char* kEnvdVersion = "0.6.13";
inline constexpr const char* kClientId = "6532622b";  // deprecated constant

Json created_json(const SandboxInfo& info);  // the answer of create and connect
Json listed_json(const SandboxInfo& info);   // an item of a list
Json detail_json(const SandboxInfo& info);   // GET /sandboxes/{id}

}  // namespace osiris::e2b_server
