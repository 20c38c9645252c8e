#include "protocol/base/elf.h"

#include <elf.h>

#include <cstring>
#include <fstream>

#include "protocol/base/file.h"

namespace osiris {
namespace {

constexpr uint64_t kNameBytesMax = 4096;

template <class T>
bool read_at(std::ifstream& in, uint64_t offset, T& into) {
  in.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(in.read(reinterpret_cast<char*>(&into), sizeof into));
}

}  // namespace

Result<std::string> elf_interpreter(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return errno_error(errno, "cannot open", file);
  Elf64_Ehdr header;
  if (!read_at(in, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    return std::string();
  const Error damaged(Code::kInvalidArgument, file.string() + " is a damaged ELF file", "Install osiris again.");
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(in, header.e_phoff + i * header.e_phentsize, segment)) return damaged;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz == 0 || segment.p_filesz > kNameBytesMax) return damaged;
    std::string name(segment.p_filesz, '\0');
    in.seekg(static_cast<std::streamoff>(segment.p_offset));
    if (!in.read(name.data(), static_cast<std::streamsize>(name.size())) || name.back() != '\0') return damaged;
    name.resize(std::strlen(name.c_str()));
    return name;
  }
  return std::string();
}

}  // namespace osiris
