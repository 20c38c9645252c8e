// What an ELF file says of itself: whether it is complete, and which build it is. See elf(5).
#pragma once

#include <filesystem>
#include <string>

#include "protocol/base/error.h"

namespace osiris {

// The program interpreter (dynamic loader) that an ELF file for 64-bit little-endian machines asks for, such as
// "/lib64/ld-linux-x86-64.so.2". Empty for a static program, and for a file that is no such ELF file (a script, say).
// An error if the file cannot be read, or is damaged where its program headers or the interpreter's name should be.
Result<std::string> elf_interpreter(const std::filesystem::path& file);

// The build id in its notes, in hex digits: what the linker made of the program's content. Empty for a file without
// one, and for a file that is no such ELF file; an error as above.
Result<std::string> elf_build_id(const std::filesystem::path& file);

}  // namespace osiris
