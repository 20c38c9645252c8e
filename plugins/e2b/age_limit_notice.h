// The plan of an E2B account ends a sandbox at some age, whatever is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace osiris::e2b {

// What is known before a run that may take longer than the smallest plan lets a sandbox live; nullopt: it may not.
std::optional<std::string> age_limit_notice(int64_t timeout_ms);

}  // namespace osiris::e2b
