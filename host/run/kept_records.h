// What a clean-up must know of a record before it removes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "host/project/run_index.h"
#include "host/run/user_state.h"

namespace osiris {

// Nothing else in a project looks like it, so that a mistaken directory costs no data.
bool is_session(const std::filesystem::path& directory);
bool is_summary(const std::filesystem::path& directory);

// All regular files below; links are not followed. 0 for what is not there.
uint64_t size_bytes_of(const std::filesystem::path& directory);

// Why a session stays whatever its age: its run goes on, its process is alive, it may hold remote resources. nullopt:
// nothing holds it. `record` is the run's in the index; null: it has none.
std::optional<std::string> why_held(const std::filesystem::path& session, const RunRecord* record,
                                    const UserState& user_state);

}  // namespace osiris
