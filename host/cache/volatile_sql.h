// Whether SQL of the engine can give other rows for the same inputs: the time, chance, who runs it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace osiris {

// The first name in `sql` that says so, "now"; empty: there is none. What is only a column called current_date is taken
// for the word: rows are then kept less often than they could be, and never wrongly.
std::string volatile_name_in(std::string_view sql);

// Functions, sorted. A test compares them with the engine's own catalogue.
const std::vector<std::string_view>& volatile_functions();

}  // namespace osiris
