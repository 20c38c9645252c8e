// Run ids. The default joins a counter people can say aloud with a ULID that is unique everywhere.
#include <unistd.h>

#include "host/project/run_index.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

std::string make_uuid4() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string hex = to_hex(bytes);
  for (const size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
  return hex;
}

// 2025-10-07T14-22-19Z
std::string iso_for_id(int64_t unix_ns) {
  std::string text = format_iso8601_micros(unix_ns, true).substr(0, 19) + "Z";
  for (size_t i = 11; i < text.size(); ++i)
    if (text[i] == ':') text[i] = '-';
  return text;
}

std::string pad(int64_t number, size_t width) {
  std::string digits = std::to_string(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

}  // namespace

std::string make_ulid(int64_t unix_ns) {
  static constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  uint64_t ms = static_cast<uint64_t>(unix_ns / 1'000'000);
  for (size_t i = 10; i-- > 0; ms >>= 5) out[i] = kAlphabet[ms & 31];
  const std::string bytes = random_bytes(16);
  for (size_t i = 0; i < 16; ++i) out[10 + i] = kAlphabet[bytes[i] & 31];
  return out;
}

Result<std::string> make_run_id(const std::vector<std::string>& format, std::string_view pipeline_id,
                                const RunIndex& index, const Clock& clock) {
  std::vector<std::string> parts;
  for (const std::string& token : format) {
    if (token == "incremental") {
      OSIRIS_ASSIGN(const int64_t counter, index.next_counter(pipeline_id, clock));
      parts.push_back("run-" + pad(counter, 6));
    } else if (token == "ulid") {
      parts.push_back(make_ulid(clock.unix_ns()));
    } else if (token == "iso_ulid") {
      parts.push_back(iso_for_id(clock.unix_ns()) + "_" + make_ulid(clock.unix_ns()));
    } else if (token == "uuidv4") {
      parts.push_back(make_uuid4());
    } else if (token == "snowflake") {
      const uint64_t sequence = random_number() & 0xfff;
      const uint64_t ms = static_cast<uint64_t>(clock.unix_ns() / 1'000'000);
      parts.push_back(std::to_string((ms << 22) | ((static_cast<uint64_t>(::getpid()) % 1024) << 12) | sequence));
    } else {
      return Error(Code::kInvalidArgument, "Unsupported run_id_format token '" + token + "'",
                   "use incremental, iso_ulid, snowflake, ulid or uuidv4");
    }
  }
  if (parts.empty()) return Error(Code::kInvalidArgument, "ids.run_id_format names no format");
  return join(parts, "_");
}

}  // namespace osiris
