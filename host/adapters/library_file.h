// What of a library can be told from its file, before any of its code runs: loading a file that was cut off ends the
// process with SIGBUS, one for another machine with words that mislead, and one that finds its own dependencies in a
// directory where everybody writes runs everybody's code. See elf(5).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "protocol/base/error.h"

namespace osiris {

// `file` is canonical. kInvalidArgument, with the file in the message: not a 64-bit ELF library of this kind of
// machine, shorter than its own headers say, or with a search path for its dependencies (RPATH, RUNPATH) that is
// relative or can be written by everybody.
Status check_library_file(const std::filesystem::path& file);

// What a library says of itself (OSIRIS_LIBRARY_INFO of osiris/adapter.h).
struct LibraryInfo {
  std::string name, version, build;
};
// nullopt where it says nothing, or the file cannot be read.
std::optional<LibraryInfo> library_info(const std::filesystem::path& file);

}  // namespace osiris
