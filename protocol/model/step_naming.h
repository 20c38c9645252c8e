// How a step's output is called inside a step that reads it. The host's compiler and the plan's reader in the worker
// both use this one function, so that a name means the same table on both sides.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace osiris {

// A step with exactly one input also finds it under this name.
inline constexpr std::string_view kOnlyInputName = "input_df";
inline constexpr size_t kStepIdBytesMax = 128;

// "df_" and the id with every character outside [0-9A-Za-z_] made '_'; a leading digit gets a '_' before it:
// extract-movies -> df_extract_movies, 123m -> df__123m.
std::string relation_name(std::string_view step_id);

// The names of one step's inputs, in the order of `step_ids`. Ids that collapse to one name (SQL ignores case, so "A"
// and "a" do too) each get '_' and the first 8 hex digits of the SHA-256 of their own id.
std::vector<std::pair<std::string, std::string>> relation_names(
    const std::vector<std::string>& step_ids);  // {name, id}

// True for an id that may become a file name: not empty, not "." or "..", at most 128 bytes, no '/', '\', NUL, control
// characters or line ends, valid UTF-8.
bool is_safe_step_id(std::string_view id);

}  // namespace osiris
