// The reader of packages and artifacts on hostile bytes: it never crashes, opens no member twice, hands out no more
// bytes than were announced and allowed, and ends alike whatever way the bytes are cut. The first byte chooses the cut;
// odd: the bytes are a tar, which is compressed here, so that mutations reach what is inside.
//
// links: osiris_archive osiris::zstd
#include <zstd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "protocol/archive/archive.h"

namespace {

using namespace osiris;

constexpr archive::ReadLimits kLimits{.members_max = 16, .total_bytes_max = 1 << 20};

std::string read(std::string_view bytes, size_t piece) {
  struct Member {
    uint64_t announced = 0, received = 0;
    bool closed = false;
  };
  std::map<uint32_t, Member> members;
  uint64_t announced = 0;
  const Status status = archive::read(
      [&]() -> Result<std::string> {
        const std::string_view part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        return std::string(part);
      },
      kLimits,
      [&](uint32_t number, uint64_t size) -> Result<archive::MemberSink> {
        announced += size;
        if (members.count(number) || members.size() >= kLimits.members_max || announced > kLimits.total_bytes_max)
          std::abort();
        Member& member = members[number];
        member.announced = size;
        return archive::MemberSink([&member](std::string_view part) {
          member.received += part.size();
          if (member.received > member.announced) std::abort();
          return Status();
        });
      },
      [&](uint32_t number, const FileDigest& digest) {
        Member& member = members.at(number);
        if (member.closed || digest.size_bytes != member.announced || member.received != member.announced ||
            digest.sha256.size() != 64)
          std::abort();
        member.closed = true;
        return Status();
      });
  std::string seen;
  for (const auto& [number, member] : members) {
    if (status && !member.closed) std::abort();
    if (member.closed) seen += std::to_string(number) + ":" + std::to_string(member.announced) + ";";
  }
  if (!status && (status.error().message.empty() ||
                  (status.error().code != Code::kInvalidArgument && status.error().code != Code::kExhausted)))
    std::abort();
  return seen + (status ? "ok" : "refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1));
    bytes = std::move(packed);
  }
  if (read(bytes, bytes.size() + 1) != read(bytes, 1 + data[0] % 61)) std::abort();
  return 0;
}
