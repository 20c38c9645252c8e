#include "host/adapters/library_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTextBytesMax = 1 << 16;
constexpr uint64_t kDynamicEntriesMax = 4096;
constexpr size_t kWindowBytes = 4096;

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "x86 (32 bit)";
    case EM_ARM:
      return "ARM (32 bit)";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390x";
    default:
      return "machine " + std::to_string(machine) + " of elf(5)";
  }
}

class LibraryReader {
 public:
  explicit LibraryReader(const fs::path& file) : file_(file), in_(FileDescriptor::open(file, O_RDONLY)) {}

  Status check() {
    OSIRIS_TRY(check_headers());
    return check_search_paths();
  }

  std::optional<LibraryInfo> info() {
    if (!check_headers().ok()) return std::nullopt;
    std::vector<Elf64_Shdr> sections(header_.e_shnum);
    for (uint16_t i = 0; i < header_.e_shnum; ++i)
      if (!read_at(header_.e_shoff + uint64_t{i} * header_.e_shentsize, sections[i])) return std::nullopt;
    if (header_.e_shstrndx >= sections.size()) return std::nullopt;
    for (const Elf64_Shdr& section : sections) {
      if (text_at(sections[header_.e_shstrndx].sh_offset + section.sh_name) != ".osiris_info") continue;
      std::vector<std::string> texts;
      for (uint64_t at = section.sh_offset; texts.size() < 4; at += texts.back().size() + 1)
        texts.push_back(text_at(at));
      if (texts[0] != "osiris/1") return std::nullopt;
      return LibraryInfo{texts[1], texts[2], texts[3]};
    }
    return std::nullopt;
  }

 private:
  Status check_headers() {
    struct stat info{};
    if (!in_.is_open() || ::fstat(in_.get(), &info) != 0) return errno_error(errno, "cannot open", file_);
    size_ = static_cast<uint64_t>(info.st_size);
    OSIRIS_TRY(check_header());
    return check_segments();
  }
  Error refused(const std::string& what, const std::string& hint) const {
    return Error(Code::kInvalidArgument, "cannot load the adapter library " + file_.string() + ": " + what, hint);
  }
  Error truncated() const {
    return refused("the file is damaged or was cut off: it is shorter than its own headers say",
                   "install the adapter again");
  }

  // The file from `offset` on, `size` bytes or more; empty where it has fewer. What is read stands close together: a
  // table, or the texts of one.
  std::string_view bytes_at(uint64_t offset, size_t size) {
    if (offset > size_ || size > size_ - offset) return {};
    if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
      window_.resize(kWindowBytes);
      window_at_ = offset;
      const ssize_t got = ::pread(in_.get(), window_.data(), window_.size(), static_cast<off_t>(offset));
      window_.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    }
    const std::string_view bytes = std::string_view(window_).substr(offset - window_at_);
    return bytes.size() < size ? std::string_view() : bytes;
  }

  template <class T>
  bool read_at(uint64_t offset, T& into) {
    const std::string_view bytes = bytes_at(offset, sizeof into);
    if (!bytes.empty()) std::memcpy(&into, bytes.data(), sizeof into);
    return !bytes.empty();
  }

  Status check_header() {
    const std::string hint = "check library.linux_amd64 of its manifest";
    if (!read_at(0, header_)) {
      if (size_ >= SELFMAG && std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0) return truncated();
      return refused("file too short to be a shared library", hint);
    }
    if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0)
      return refused("not a shared library (invalid ELF header)", hint);
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
        header_.e_machine != EM_X86_64)
      return refused("it is for " + machine_name(header_.e_machine) + "; this machine is x86_64",
                     "install the adapter's build for this machine");
    if (header_.e_type != ET_DYN) return refused("it is no shared library", hint);
    return {};
  }

  Status check_segments() {
    for (uint64_t i = 0; i < header_.e_phnum; ++i) {
      Elf64_Phdr segment;
      if (!read_at(header_.e_phoff + i * header_.e_phentsize, segment)) return truncated();
      if (segment.p_type == PT_LOAD && (segment.p_filesz > size_ || segment.p_offset > size_ - segment.p_filesz))
        return truncated();
      segments_.push_back(segment);
    }
    // The loader does not need the section headers, a file that is whole has them.
    const uint64_t sections = uint64_t{header_.e_shnum} * header_.e_shentsize;
    if (header_.e_shoff && (sections > size_ || header_.e_shoff > size_ - sections)) return truncated();
    return {};
  }

  // Where in the file the byte at this address is; size_ when it is in none of its segments.
  uint64_t offset_of(uint64_t address) const {
    for (const Elf64_Phdr& segment : segments_)
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
        return segment.p_offset + (address - segment.p_vaddr);
    return size_;
  }

  std::string text_at(uint64_t offset) {
    std::string text;
    while (text.size() < kTextBytesMax) {
      const std::string_view bytes = bytes_at(offset + text.size(), 1);
      const size_t end = bytes.find('\0');
      text += bytes.substr(0, end);
      if (bytes.empty() || end != std::string_view::npos) break;
    }
    return text;
  }

  Status check_search_paths() {
    std::vector<uint64_t> paths;
    uint64_t texts = 0;
    for (const Elf64_Phdr& segment : segments_) {
      if (segment.p_type != PT_DYNAMIC) continue;
      const uint64_t count = std::min(segment.p_filesz / sizeof(Elf64_Dyn), kDynamicEntriesMax);
      for (uint64_t i = 0; i < count; ++i) {
        Elf64_Dyn entry;
        if (!read_at(segment.p_offset + i * sizeof entry, entry)) return truncated();
        if (entry.d_tag == DT_NULL) break;
        if (entry.d_tag == DT_STRTAB) texts = entry.d_un.d_ptr;
        if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) paths.push_back(entry.d_un.d_val);
      }
    }
    for (const uint64_t path : paths)
      for (const std::string& place : split(text_at(offset_of(texts + path)), ':')) OSIRIS_TRY(check_place(place));
    return {};
  }

  Status check_place(std::string place) const {
    const std::string as_written = place;
    for (const std::string_view origin : {"$ORIGIN", "${ORIGIN}"})
      if (place.starts_with(origin)) place = file_.parent_path().string() + place.substr(origin.size());
    if (!place.starts_with('/'))
      return refused("it looks for its dependencies in '" + as_written + "', which depends on where osiris is started",
                     "link it with an absolute RUNPATH, or one that begins with $ORIGIN");
    struct stat info{};
    if (::stat(place.c_str(), &info) == 0 && info.st_mode & S_IWOTH)
      return refused("it looks for its dependencies in " + place + ", where everybody can put files",
                     "chmod o-w " + place + ", or link it with another RUNPATH");
    return {};
  }

  const fs::path& file_;
  FileDescriptor in_;
  uint64_t size_ = 0;
  uint64_t window_at_ = 0;
  std::string window_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
};

}  // namespace

Status check_library_file(const fs::path& file) { return LibraryReader(file).check(); }

std::optional<LibraryInfo> library_info(const fs::path& file) { return LibraryReader(file).info(); }

}  // namespace osiris
