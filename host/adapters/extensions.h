// The extensions that osiris uses, as an adapter's table answers for them.
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/early.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <string_view>

namespace osiris {

// Null where the adapter has none, or one whose functions are missing. [any thread]
const osiris_resources* resources_of(const osiris_adapter_type& type);
const osiris_explain* explain_of(const osiris_adapter_type& type);
const osiris_early* early_of(const osiris_adapter_type& type);

// Events that cost money when they are lost: "resource_acquired" and "resource_released".
bool is_of_resources(std::string_view event);

}  // namespace osiris
