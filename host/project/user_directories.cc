#include "host/project/user_directories.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

fs::path directory_of(const Environment& environment, const char* variable, const char* below_home) {
  if (const auto named = environment.get_filled(variable); named && fs::path(*named).is_absolute())
    return fs::path(*named) / "osiris";
  return fs::path(environment.get_filled("HOME").value_or("/")) / below_home / "osiris";
}

}  // namespace

fs::path user_state_directory(const Environment& environment) {
  return directory_of(environment, "XDG_STATE_HOME", ".local/state");
}

fs::path user_cache_directory(const Environment& environment) {
  return directory_of(environment, "XDG_CACHE_HOME", ".cache");
}

}  // namespace osiris
