#include "protocol/model/trace_context.h"

#include "protocol/base/random.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr size_t kTraceIdDigits = 32, kSpanIdDigits = 16;

bool is_id(std::string_view text, size_t digits) {
  return text.size() == digits && is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// All zeros is no id.
std::string usable(std::string id) {
  if (id.find_first_not_of('0') == std::string::npos) id.back() = '1';
  return id;
}

}  // namespace

std::string TraceContext::text() const { return "00-" + trace_id + "-" + span_id + (is_sampled ? "-01" : "-00"); }

std::optional<TraceContext> parse_trace_context(std::string_view text) {
  constexpr size_t kLength = 2 + 1 + kTraceIdDigits + 1 + kSpanIdDigits + 1 + 2;
  if (text.size() < kLength) return std::nullopt;
  const std::string_view version = text.substr(0, 2), flags = text.substr(kLength - 2, 2);
  const bool is_known = version == "00";
  if (!is_hex(version) || version == "ff" || !is_hex(flags)) return std::nullopt;
  if (is_known ? text.size() != kLength : text.size() > kLength && text[kLength] != '-') return std::nullopt;
  if (text[2] != '-' || text[3 + kTraceIdDigits] != '-' || text[kLength - 3] != '-') return std::nullopt;
  TraceContext context{std::string(text.substr(3, kTraceIdDigits)),
                       std::string(text.substr(4 + kTraceIdDigits, kSpanIdDigits)), false};
  if (!is_id(context.trace_id, kTraceIdDigits) || !is_id(context.span_id, kSpanIdDigits)) return std::nullopt;
  context.is_sampled = kHexDigits.find(flags[1]) % 2 == 1;
  return context;
}

TraceContext new_trace() {
  return {usable(to_hex(random_bytes(kTraceIdDigits / 2))), usable(to_hex(random_bytes(kSpanIdDigits / 2))), true};
}

std::string child_span_id(const TraceContext& parent, std::string_view name) {
  return usable(sha256_hex(parent.trace_id + "/" + parent.span_id + "/" + std::string(name)).substr(0, kSpanIdDigits));
}

}  // namespace osiris
