#include "check/bench/library_image.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "protocol/base/file.h"

namespace osiris::check {
namespace {

class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}

  template <class T>
  std::optional<T> at(uint64_t offset) const {
    if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  std::string text_at(uint64_t offset) const {
    if (offset >= bytes_.size()) return {};
    const char* const start = bytes_.data() + offset;
    return {start, ::strnlen(start, bytes_.size() - offset)};
  }

 private:
  const std::string bytes_;
};

void read_segments(const Reader& reader, const Elf64_Ehdr& header, LibraryImage& image) {
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = reader.at<Elf64_Phdr>(header.e_phoff + uint64_t{i} * sizeof(Elf64_Phdr));
    if (!segment) return;
    if (segment->p_type == PT_GNU_STACK) image.wants_executable_stack = segment->p_flags & PF_X;
    if (segment->p_type != PT_DYNAMIC) continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= segment->p_filesz; at += sizeof(Elf64_Dyn)) {
      const auto entry = reader.at<Elf64_Dyn>(segment->p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
        image.has_text_relocations = true;
    }
  }
}

void read_symbols(const Reader& reader, const Elf64_Shdr& section, const Elf64_Shdr& strings, LibraryImage& image) {
  for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = reader.at<Elf64_Sym>(section.sh_offset + at);
    if (!symbol) return;
    const unsigned binding = ELF64_ST_BIND(symbol->st_info), visibility = ELF64_ST_VISIBILITY(symbol->st_other);
    const bool is_shown = binding != STB_LOCAL && (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || !is_shown) continue;
    image.exported.push_back(reader.text_at(strings.sh_offset + symbol->st_name));
  }
}

void read_versions(const Reader& reader, const Elf64_Shdr& section, const Elf64_Shdr& strings, LibraryImage& image) {
  uint64_t at = section.sh_offset;
  for (unsigned i = 0; i < section.sh_info; ++i) {
    const auto needed = reader.at<Elf64_Verneed>(at);
    if (!needed) return;
    uint64_t next = at + needed->vn_aux;
    for (unsigned j = 0; j < needed->vn_cnt; ++j) {
      const auto version = reader.at<Elf64_Vernaux>(next);
      if (!version) return;
      image.versions.push_back(reader.text_at(strings.sh_offset + version->vna_name));
      next += version->vna_next;
    }
    at += needed->vn_next;
  }
}

}  // namespace

Result<LibraryImage> read_library_image(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(std::string bytes, read_file(file));
  const Reader reader(std::move(bytes));
  const auto header = reader.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
    return Error(Code::kInvalidArgument, file.string() + " is no 64-bit ELF file");
  LibraryImage image;
  read_segments(reader, *header, image);
  bool has_symbols = false;
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto section = reader.at<Elf64_Shdr>(header->e_shoff + uint64_t{i} * sizeof(Elf64_Shdr));
    if (!section || (section->sh_type != SHT_DYNSYM && section->sh_type != SHT_GNU_verneed)) continue;
    const auto strings = reader.at<Elf64_Shdr>(header->e_shoff + uint64_t{section->sh_link} * sizeof(Elf64_Shdr));
    if (!strings) continue;
    has_symbols |= section->sh_type == SHT_DYNSYM;
    (section->sh_type == SHT_DYNSYM ? read_symbols : read_versions)(reader, *section, *strings, image);
  }
  if (!has_symbols) return Error(Code::kUnsupported, file.string() + " has no section headers");
  return image;
}

}  // namespace osiris::check
