// Names of files and directories on their way to their places: beside them, so that a rename puts them there. A process
// that is killed leaves what it was writing; the run that its name bears tells whose it was.
#pragma once

#include <filesystem>
#include <string_view>

namespace osiris {

// The names that this process gives from now on bear this run. [any thread]
void set_temporary_run(std::string_view run_id);

// A new name in the directory of `target`: ".osiris-<run>-<random>", or ".osiris-<random>" for a process without a run.
// There may be a file of it. [any thread]
std::filesystem::path temporary_beside(const std::filesystem::path& target);

// Removes what processes of the run were writing beside `target`. They must have ended. What cannot be removed stays.
void remove_temporaries_beside(const std::filesystem::path& target, std::string_view run_id);

}  // namespace osiris
