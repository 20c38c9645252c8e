// Static or dynamic, read from real programs and from files that only look like some.
#include "protocol/base/elf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <elf.h>
#include <fstream>

namespace osiris {
namespace {

namespace fs = std::filesystem;

class ElfInterpreter : public testing::Test {
 protected:
  ElfInterpreter() {
    std::string pattern = fs::temp_directory_path() / "osiris-elf-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~ElfInterpreter() override { fs::remove_all(directory_); }
  fs::path file(const std::string& bytes) {
    std::ofstream(directory_ / "file", std::ios::binary) << bytes;
    return directory_ / "file";
  }
  // A header and one segment that is said to lie at `offset` and to hold `size` bytes; `rest` follows.
  static std::string program(uint64_t offset, uint64_t size, const std::string& rest, uint32_t type = PT_INTERP) {
    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    Elf64_Phdr segment{};
    segment.p_type = type;
    segment.p_offset = offset;
    segment.p_filesz = size;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(&segment), sizeof segment);
    return bytes + rest;
  }
  // A file of these notes.
  fs::path notes(const std::string& bytes) { return file(program(kEnd, bytes.size(), bytes, PT_NOTE)); }
  static std::string note(uint32_t type, std::string owner, std::string description) {
    const Elf64_Nhdr header{static_cast<uint32_t>(owner.size()), static_cast<uint32_t>(description.size()), type};
    owner.resize((owner.size() + 3) / 4 * 4);
    description.resize((description.size() + 3) / 4 * 4);
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + owner + description;
  }
  static constexpr uint64_t kEnd = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  fs::path directory_;
};

TEST_F(ElfInterpreter, OfADynamicProgramIsItsLoader) {
  const auto found = elf_interpreter("/bin/sh");
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(*found, testing::HasSubstr("/ld-linux"));
  EXPECT_EQ(*elf_interpreter(file(program(kEnd, 4, std::string("/ld\0", 4)))), "/ld");
}

TEST_F(ElfInterpreter, OfAScriptOrAnEmptyFileIsNone) {
  for (const char* text : {"", "#!/bin/sh\n", "\177EL", "\177ELF"}) {
    const auto found = elf_interpreter(file(text));
    ASSERT_TRUE(found.ok()) << text;
    EXPECT_EQ(*found, "");
  }
}

TEST_F(ElfInterpreter, OfADamagedProgramIsAnError) {
  const std::string whole = program(kEnd, 4, std::string("/ld\0", 4));
  EXPECT_FALSE(elf_interpreter(file(whole.substr(0, kEnd - 1))).ok()) << "the segment's header is cut";
  EXPECT_FALSE(elf_interpreter(file(whole.substr(0, kEnd + 2))).ok()) << "the name is cut";
  EXPECT_FALSE(elf_interpreter(file(program(kEnd, 4, "/ldx"))).ok()) << "the name does not end";
  EXPECT_FALSE(elf_interpreter(file(program(kEnd, 0, ""))).ok());
  EXPECT_FALSE(elf_interpreter(file(program(~uint64_t{0}, 4, ""))).ok());
  EXPECT_FALSE(elf_interpreter(file(program(kEnd, uint64_t{1} << 40, ""))).ok()) << "no memory is asked for a terabyte";
}

TEST_F(ElfInterpreter, OfAFileThatIsNotThereIsAnError) { EXPECT_FALSE(elf_interpreter(directory_ / "nothing").ok()); }

using ElfBuildId = ElfInterpreter;
const std::string kGnu("GNU", 4);

TEST_F(ElfBuildId, IsTheOneAmongTheNotes) {
  const std::string other = note(NT_GNU_ABI_TAG, kGnu, std::string(16, '\1')) + note(NT_GNU_BUILD_ID, "ABC", "no");
  EXPECT_EQ(*elf_build_id(notes(other + note(NT_GNU_BUILD_ID, kGnu, "\x01\xab\xff"))), "01abff");
  EXPECT_EQ(*elf_build_id(notes(other)), "");
  EXPECT_EQ(elf_build_id("/bin/sh")->size(), 40u);
}

TEST_F(ElfBuildId, OfDamagedNotesIsNone) {
  const std::string whole = note(NT_GNU_BUILD_ID, kGnu, "0123456789");
  for (size_t size = 1; size < whole.size(); ++size) EXPECT_EQ(*elf_build_id(notes(whole.substr(0, size))), "") << size;
  Elf64_Nhdr huge{~0u, ~0u, NT_GNU_BUILD_ID};
  EXPECT_EQ(*elf_build_id(notes(std::string(reinterpret_cast<const char*>(&huge), sizeof huge) + "GNU")), "");
  EXPECT_EQ(*elf_build_id(file("#!/bin/sh\n")), "");
  EXPECT_FALSE(elf_build_id(directory_ / "none").ok());
  EXPECT_FALSE(elf_build_id(file(program(kEnd, 40, "short", PT_NOTE))).ok());
}

}  // namespace
}  // namespace osiris
