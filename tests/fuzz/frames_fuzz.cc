// The frame parser on hostile bytes: it never crashes, holds no more than one frame, and gives the same frames however
// the bytes are cut. The first byte chooses the cut.
//
// links: osiris_rpc
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "protocol/rpc/frames.h"

namespace {

using osiris::rpc::Frame;
using osiris::rpc::FrameParser;

constexpr size_t kLimit = 4096;

std::vector<Frame> parse(std::string_view bytes, size_t piece) {
  FrameParser parser(kLimit, kLimit);
  std::vector<Frame> frames;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    parser.feed(bytes.substr(at, piece));
    while (auto frame = parser.next()) frames.push_back(*std::move(frame));
    if (parser.buffered_bytes() > kLimit + piece + 64) std::abort();
  }
  if (auto frame = parser.finish()) frames.push_back(*std::move(frame));
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = parse(bytes, bytes.size() + 1);
  const auto pieces = parse(bytes, 1 + data[0] % 37);
  if (whole.size() != pieces.size()) std::abort();
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i].kind != pieces[i].kind || whole[i].size_bytes != pieces[i].size_bytes) std::abort();
    if (whole[i].kind == Frame::Kind::kMessage && !whole[i].message.is_object()) std::abort();
    if (whole[i].kind == Frame::Kind::kGarbage && whole[i].reason.empty()) std::abort();
  }
  return 0;
}
