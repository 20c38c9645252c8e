#include "protocol/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/no_more_threads.h"

namespace osiris::archive {
namespace {

std::string pack(const std::map<uint32_t, std::string>& members, WriterOptions options = {}) {
  std::string out;
  Writer writer(
      [&](std::string_view bytes) {
        out += bytes;
        return true;
      },
      options);
  for (const auto& [number, bytes] : members) EXPECT_TRUE(writer.add_bytes(number, bytes).ok());
  EXPECT_TRUE(writer.finish().ok());
  return out;
}

struct Unpacked {
  Status status;
  std::map<uint32_t, std::string> members;
  std::map<uint32_t, FileDigest> digests;
};

Unpacked unpack(const std::string& bytes, ReadLimits limits = {}, size_t piece = 7919) {
  Unpacked out;
  size_t at = 0;
  out.status = read(
      [&]() -> Result<std::string> {
        const std::string next = bytes.substr(at, piece);
        at += next.size();
        return next;
      },
      limits,
      [&](uint32_t number, uint64_t) -> Result<MemberSink> {
        out.members[number];
        return MemberSink([&out, number](std::string_view data) {
          out.members[number] += data;
          return Status();
        });
      },
      [&](uint32_t number, const FileDigest& digest) {
        out.digests[number] = digest;
        return Status();
      });
  return out;
}

// An archive made with libarchive directly, to hold what Writer never writes.
std::string foreign(const std::function<void(struct archive*, archive_entry*)>& fill, bool zstd = true) {
  std::vector<char> buffer(1 << 20);
  size_t used = 0;
  struct archive* handle = archive_write_new();
  archive_write_set_format_pax_restricted(handle);
  if (zstd) archive_write_add_filter_zstd(handle);
  archive_write_open_memory(handle, buffer.data(), buffer.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0600);
  archive_entry_set_size(entry, 0);
  fill(handle, entry);
  archive_write_header(handle, entry);
  archive_entry_free(entry);
  archive_write_free(handle);
  return std::string(buffer.data(), used);
}

TEST(Archive, BringsBackEveryMember) {
  const std::map<uint32_t, std::string> members = {
      {0, "index"}, {1, std::string(3'000'000, 'x')}, {2, ""}, {77, "last"}};
  const Unpacked out = unpack(pack(members));
  ASSERT_TRUE(out.status.ok()) << out.status.error().message;
  EXPECT_EQ(out.members, members);
  EXPECT_EQ(out.digests.at(77).sha256, sha256_hex("last"));
}

TEST(Archive, SameMembersGiveTheSameBytes) {
  const std::map<uint32_t, std::string> members = {{1, std::string(5'000'000, 'q')}, {2, "b"}};
  EXPECT_EQ(pack(members), pack(members));
}

std::string text_of(size_t bytes) {
  std::string text;
  for (uint64_t random = 1; text.size() < bytes; random = random * 6364136223846793005u + 1442695040888963407u)
    text.append("line ").append(std::to_string(random >> 40)).append("\n");
  return text;
}

TEST(Archive, HowManyThreadsCompressDoesNotShow) {
  const std::map<uint32_t, std::string> members = {{1, text_of(7'500'000)}, {2, "b"}, {3, text_of(1'048'576)}};
  const std::string alone = pack(members, {.threads = 0});
  for (const int threads : {1, 2, 5}) EXPECT_TRUE(pack(members, {.threads = threads}) == alone) << threads;
  const Unpacked out = unpack(alone);
  ASSERT_TRUE(out.status.ok()) << out.status.error().message;
  EXPECT_TRUE(out.members == members);
}

TEST(Archive, AWriterThatIsLeftSaysNoMore) {
  size_t said = 0, before = 0;
  {
    Writer writer([&](std::string_view bytes) {
      said += bytes.size();
      return true;
    });
    EXPECT_TRUE(writer.add_bytes(1, text_of(9'000'000)).ok());
    before = said;
    EXPECT_GT(before, 0u);
  }
  EXPECT_EQ(said, before);
}

TEST(Archive, AFileIsPackedWithItsDigest) {
  const std::string path = testing::TempDir() + "/packed";
  std::ofstream(path) << "content";
  std::string out;
  Writer writer([&](std::string_view bytes) {
    out += bytes;
    return true;
  });
  const auto digest = writer.add_file(3, path, 7);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest->sha256, sha256_hex("content"));
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_EQ(unpack(out).members.at(3), "content");
}

TEST(Archive, WhatIsCompressedAlreadyIsStored) {
  const std::string text = text_of(3'000'000);
  const std::map<uint32_t, std::string> members = {{1, text},
                                                   {2, "\x1F\x8B" + text},
                                                   {3, text},
                                                   {4, "PAR1 a page's header \x28\xB5\x2F\xFD" + text},
                                                   {5, "PAR1 a page's header" + text}};
  for (const int threads : {0, 2}) {
    std::string out;
    {
      Writer writer(
          [&](std::string_view bytes) {
            out += bytes;
            return true;
          },
          {.level = 1, .threads = threads});
      const std::string path = testing::TempDir() + "/member";
      for (const auto& [number, bytes] : members) {
        std::ofstream(path, std::ios::binary) << bytes;
        ASSERT_TRUE(writer.add_file(number, path, bytes.size()).ok());
      }
      ASSERT_TRUE(writer.finish().ok());
    }
    EXPECT_GT(out.size(), 2 * text.size()) << "two of them";
    EXPECT_LT(out.size(), 4 * text.size());
    const Unpacked back = unpack(out);
    ASSERT_TRUE(back.status.ok()) << back.status.error().message;
    EXPECT_TRUE(back.members == members);
  }
}

TEST(Archive, AFileThatGrewOrShrankIsAnError) {
  const std::string path = testing::TempDir() + "/changing";
  std::ofstream(path) << "content";
  for (const uint64_t believed : {6u, 8u}) {
    Writer writer([](std::string_view) { return true; });
    const auto digest = writer.add_file(3, path, believed);
    ASSERT_FALSE(digest.ok()) << believed;
    EXPECT_EQ(digest.error().code, Code::kUnavailable);
  }
}

TEST(Archive, AWriterWhoseReceiverStoppedSaysSo) {
  Writer writer([](std::string_view) { return false; });
  std::string noise(8 << 20, '\0');
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>((i * 2654435761u) >> 13);
  Status status = writer.add_bytes(1, noise);
  if (status.ok()) status = writer.finish();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kCancelled);
}

TEST(Archive, EveryTruncationIsNoticed) {
  const std::string whole = pack({{1, "some bytes"}, {2, "more bytes"}});
  for (size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(unpack(whole.substr(0, cut)).status.ok()) << cut;
}

TEST(Archive, FlippedBytesAreRefusedOrShowInTheDigest) {
  const std::string content = std::string(2000, 'a') + "tail";
  const std::string whole = pack({{1, content}});
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    const Unpacked out = unpack(damaged);
    if (!out.status.ok() || !out.digests.count(1)) continue;
    EXPECT_EQ(out.digests.at(1).sha256 == sha256_hex(content), out.members.at(1) == content) << at;
  }
}

TEST(Archive, NamesThatAreNoNumbersAreRefused) {
  for (const char* name : {"../evil", "/etc/passwd", "01", "1/2", "", "-1", "4294967296", "1 "}) {
    const auto bytes = foreign([&](auto*, archive_entry* entry) { archive_entry_set_pathname(entry, name); });
    EXPECT_FALSE(unpack(bytes).status.ok()) << name;
  }
}

TEST(Archive, LinksDirectoriesAndDevicesAreRefused) {
  const auto with_type = [](unsigned type) {
    return foreign([&](auto*, archive_entry* entry) {
      archive_entry_set_pathname(entry, "1");
      archive_entry_set_filetype(entry, type);
    });
  };
  for (const unsigned type : {AE_IFDIR, AE_IFCHR, AE_IFBLK, AE_IFIFO})
    EXPECT_FALSE(unpack(with_type(type)).status.ok()) << type;
  EXPECT_FALSE(unpack(foreign([](auto*, archive_entry* entry) {
                 archive_entry_set_pathname(entry, "1");
                 archive_entry_set_filetype(entry, AE_IFLNK);
                 archive_entry_set_symlink(entry, "/etc/passwd");
               })).status.ok());
  EXPECT_FALSE(unpack(foreign([](auto*, archive_entry* entry) {
                 archive_entry_set_pathname(entry, "1");
                 archive_entry_set_hardlink(entry, "/etc/passwd");
               })).status.ok());
}

TEST(Archive, AMemberThatComesTwiceIsRefused) {
  const auto bytes = foreign([](struct archive* handle, archive_entry* entry) {
    archive_entry_set_pathname(entry, "1");
    archive_write_header(handle, entry);
  });
  EXPECT_FALSE(unpack(bytes).status.ok());
}

TEST(Archive, AnUncompressedTarIsRefused) {
  const auto bytes = foreign([](auto*, archive_entry* entry) { archive_entry_set_pathname(entry, "1"); }, false);
  EXPECT_FALSE(unpack(bytes).status.ok());
}

TEST(Archive, LimitsOnMembersAndBytesHold) {
  const std::string bomb = pack({{1, std::string(10'000'000, '\0')}, {2, "x"}});
  ReadLimits limits;
  limits.total_bytes_max = 1'000'000;
  EXPECT_EQ(unpack(bomb, limits).status.error().code, Code::kExhausted);
  limits = {};
  limits.members_max = 1;
  EXPECT_EQ(unpack(bomb, limits).status.error().code, Code::kExhausted);
}

TEST(Archive, AnErrorOfTheSourceIsTheErrorOfTheReading) {
  const Status status =
      read([]() -> Result<std::string> { return Error(Code::kUnavailable, "the line went dead"); }, {},
           [](uint32_t, uint64_t) -> Result<MemberSink> { return Error(Code::kInternal, "unreached"); },
           [](uint32_t, const FileDigest&) { return Status(); });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "the line went dead");
}

// Bytes that do not compress, in more than one frame.
TEST(Archive, WithoutThreadsTheCallerPacksTheSameBytes) {
  std::string noise(5 << 20, '\0');
  uint32_t state = 1;
  for (char& byte : noise) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const std::map<uint32_t, std::string> members{{1, noise}, {2, std::string(3 << 20, 'a')}};
  const std::string with = pack(members, {.threads = 2});
  const NoMoreThreads none;
  const std::string without = pack(members, {.threads = 2});
  EXPECT_TRUE(without == with);
  const Unpacked unpacked = unpack(without);
  ASSERT_TRUE(unpacked.status.ok());
  EXPECT_TRUE(unpacked.members == members);
}

}  // namespace
}  // namespace osiris::archive
