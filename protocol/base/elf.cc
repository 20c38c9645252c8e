#include "protocol/base/elf.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr uint64_t kNameBytesMax = 4096, kNotesBytesMax = 64 << 10;

template <class T>
bool read_at(std::ifstream& in, uint64_t offset, T& into) {
  in.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(in.read(reinterpret_cast<char*>(&into), sizeof into));
}

Error damaged(const std::filesystem::path& file) {
  return Error(Code::kInvalidArgument, file.string() + " is a damaged ELF file", "Install osiris again.");
}

// The bytes of the segments of this type; none of a file that is no ELF file for 64-bit little-endian machines.
Result<std::vector<std::string>> segments_of(const std::filesystem::path& file, uint32_t type, uint64_t bytes_max) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return errno_error(errno, "cannot open", file);
  std::vector<std::string> found;
  Elf64_Ehdr header;
  if (!read_at(in, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    return found;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(in, header.e_phoff + i * header.e_phentsize, segment)) return damaged(file);
    if (segment.p_type != type) continue;
    if (segment.p_filesz == 0 || segment.p_filesz > bytes_max) return damaged(file);
    std::string bytes(segment.p_filesz, '\0');
    in.seekg(static_cast<std::streamoff>(segment.p_offset));
    if (!in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return damaged(file);
    found.push_back(std::move(bytes));
  }
  return found;
}

constexpr size_t padded(size_t size) { return (size + 3) / 4 * 4; }

// The description of the note "GNU", NT_GNU_BUILD_ID among `notes`.
std::string build_id_in(std::string_view notes) {
  constexpr std::string_view kOwner("GNU", 4);  // its NUL is part of it
  while (notes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data(), sizeof note);
    notes.remove_prefix(sizeof note);
    const size_t name = padded(note.n_namesz), description = padded(note.n_descsz);
    if (name > notes.size() || description > notes.size() - name) return "";
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(0, note.n_namesz) == kOwner)
      return std::string(notes.substr(name, note.n_descsz));
    notes.remove_prefix(name + description);
  }
  return "";
}

}  // namespace

Result<std::string> elf_interpreter(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(const std::vector<std::string> segments, segments_of(file, PT_INTERP, kNameBytesMax));
  if (segments.empty()) return std::string();
  const std::string& name = segments.front();
  if (name.back() != '\0') return damaged(file);
  return std::string(name.c_str());
}

Result<std::string> elf_build_id(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(const std::vector<std::string> segments, segments_of(file, PT_NOTE, kNotesBytesMax));
  for (const std::string& segment : segments)
    if (const std::string id = build_id_in(segment); !id.empty()) return to_hex(id);
  return std::string();
}

}  // namespace osiris
