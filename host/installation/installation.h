// Where the files installed with osiris are: found from the running program, never from a prefix written down at build
// time, so that an installed tree may be moved or unpacked anywhere. `executable_directory` is absolute, without links
// (/proc/self/exe's).
#pragma once

#include <filesystem>

namespace osiris {

// <prefix>/lib/osiris (under /usr, where Debian's build says so, lib/x86_64-linux-gnu/osiris): the worker and
// adapters/.
std::filesystem::path installed_library_directory(const std::filesystem::path& executable_directory);
// <prefix>/share/osiris: components/ and examples/.
std::filesystem::path installed_data_directory(const std::filesystem::path& executable_directory);

}  // namespace osiris
