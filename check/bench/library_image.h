// What an ELF library offers and asks for, read from its file without running any of it. See elf(5).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::check {

struct LibraryImage {
  std::vector<std::string> exported;  // functions and data that other objects can find
  std::vector<std::string> versions;  // "GLIBC_2.34": what of other libraries' versions it needs
  bool wants_executable_stack = false;
  bool has_text_relocations = false;
};
// kUnsupported where the file has no section headers to be read by.
Result<LibraryImage> read_library_image(const std::filesystem::path& file);

}  // namespace osiris::check
