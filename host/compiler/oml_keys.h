// The keys of a step, and what their authors meant by others.
#pragma once

#include <optional>
#include <string>

namespace osiris {

bool is_step_key(const std::string& key);

// The hint for a top-level key of an older format, which is refused.
std::optional<std::string> forbidden_top_level_key(const std::string& key);

// The hint for a step's key that is none, when its author must have meant something that changes the run.
std::optional<std::string> key_that_was_meant(const std::string& key);

}  // namespace osiris
