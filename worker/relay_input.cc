#include "worker/relay_input.h"

#include <cstring>
#include <utility>

#include "protocol/base/wipe.h"

namespace osiris::worker {
namespace {

constexpr size_t kRoom = size_t{256} << 10;
constexpr size_t kHeaderBytesMax = size_t{64} << 10;
constexpr size_t kPartBytesMax = size_t{64} << 20;

Error bad(const std::string& what) {
  return Error(Code::kInvalidArgument, "the relay's input makes no sense: " + what);
}

}  // namespace

RelayInput::RelayInput() : bytes_(kRoom, '\0') {}
RelayInput::~RelayInput() { wipe(bytes_); }

void RelayInput::drop_taken() {
  if (taken_ == 0) return;
  const size_t left = size_ - taken_;
  std::memmove(bytes_.data(), bytes_.data() + taken_, left);
  wipe(bytes_.data() + left, taken_);
  size_ = left;
  taken_ = 0;
}

// Not by the string's own growth, which leaves a copy behind.
void RelayInput::grow_to(size_t size) {
  if (size <= bytes_.size()) return;
  std::string larger(size, '\0');
  std::memcpy(larger.data(), bytes_.data(), size_);
  wipe(bytes_);
  bytes_ = std::move(larger);
}

Result<std::optional<RelayMessage>> RelayInput::next() {
  drop_taken();
  const std::string_view all(bytes_.data(), size_);
  const size_t end = all.find('\n');
  if (end == std::string_view::npos) {
    if (size_ > kHeaderBytesMax) return bad("a header longer than " + std::to_string(kHeaderBytesMax) + " bytes");
    return std::optional<RelayMessage>();
  }
  auto header = parse_json(all.substr(0, end));
  if (!header) return bad(header.error().message);
  const uint64_t package = (*header)["package"].as_uint(), input = (*header)["input"].as_uint();
  if (package > kPartBytesMax || input > kPartBytesMax)
    return bad("more than " + std::to_string(kPartBytesMax) + " bytes");
  const size_t whole = end + 1 + package + input;
  if (size_ < whole) {
    grow_to(whole);
    return std::optional<RelayMessage>();
  }
  RelayMessage message;
  message.run = (*header)["run"].as_uint();
  message.header = *std::move(header);
  message.package = all.substr(end + 1, package);
  message.input = all.substr(end + 1 + package, input);
  taken_ = whole;
  return std::optional(std::move(message));
}

}  // namespace osiris::worker
