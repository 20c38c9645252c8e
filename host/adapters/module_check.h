// What a library's tables must fulfil before any of their functions is called: the negotiation of versions and the list
// of defects (docs/plugin-abi.md, "Negotiation"). Reads nothing beyond a struct's `size`.
#pragma once

#include <osiris/adapter.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

inline constexpr uint32_t kHostAbi = OSIRIS_ABI_VERSION;

// The four numbers. `library` is named in the error, which is kUnsupported or kInvalidArgument.
Status negotiate_abi(const osiris_module* module, std::string_view library);

// Everything wrong in the tables, one sentence each; empty if nothing is. Call negotiate_abi() first.
std::vector<std::string> module_defects(const osiris_module& module);
std::vector<std::string> adapter_defects(const osiris_adapter_type& type);

// [a-z][a-z0-9]*
bool is_adapter_id(std::string_view id);
// Words of the host's own flags, commands and variables: an adapter of that name would claim one of them.
bool is_reserved_adapter_id(std::string_view id);
// The same words, as osiris/adapter.h publishes them: the list is frozen with the ABI.
const std::set<std::string, std::less<>>& reserved_adapter_ids();

}  // namespace osiris
