// Where this user's files lie that belong to no project.
#pragma once

#include <filesystem>

#include "host/project/environment.h"

namespace osiris {

// $XDG_STATE_HOME/osiris, else $HOME/.local/state/osiris: what must outlive a run.
std::filesystem::path user_state_directory(const Environment& environment);
// $XDG_CACHE_HOME/osiris, else $HOME/.cache/osiris: what may be lost at any time.
std::filesystem::path user_cache_directory(const Environment& environment);

}  // namespace osiris
