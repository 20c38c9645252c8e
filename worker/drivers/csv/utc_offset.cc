#include "worker/drivers/csv/utc_offset.h"

#include <charconv>
#include <cstdlib>

namespace osiris::worker::csv_format {
namespace {

constexpr std::string_view kPrefix = "utc offset in minutes: ";

}  // namespace

std::string utc_offset_text(int minutes) {
  const int size = std::abs(minutes);
  const auto two = [](int number) { return std::string(number < 10 ? "0" : "") + std::to_string(number); };
  return (minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60);
}

std::string utc_offset_comment(int minutes) { return std::string(kPrefix) + std::to_string(minutes); }

std::optional<int> utc_offset_of(std::string_view comment) {
  if (!comment.starts_with(kPrefix)) return std::nullopt;
  comment.remove_prefix(kPrefix.size());
  int minutes = 0;
  const auto [end, error] = std::from_chars(comment.data(), comment.data() + comment.size(), minutes);
  if (error != std::errc() || end != comment.data() + comment.size()) return std::nullopt;
  return minutes;
}

}  // namespace osiris::worker::csv_format
