#include "host/installation/installation.h"

namespace osiris {

std::filesystem::path installed_library_directory(const std::filesystem::path& executable_directory) {
  return (executable_directory / OSIRIS_LIB_FROM_BIN).lexically_normal();
}

std::filesystem::path installed_data_directory(const std::filesystem::path& executable_directory) {
  return (executable_directory / OSIRIS_DATA_FROM_BIN).lexically_normal();
}

}  // namespace osiris
