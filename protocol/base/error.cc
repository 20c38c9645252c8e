#include "protocol/base/error.h"

#include <array>

namespace osiris {
namespace {

constexpr std::array<std::pair<Code, std::string_view>, 11> kNames{{
    {Code::kStepFailed, "step_failed"},
    {Code::kCancelled, "cancelled"},
    {Code::kDeadline, "deadline"},
    {Code::kInvalidArgument, "invalid_argument"},
    {Code::kInvalidState, "invalid_state"},
    {Code::kUnsupported, "unsupported"},
    {Code::kNotFound, "not_found"},
    {Code::kUnauthenticated, "unauthenticated"},
    {Code::kUnavailable, "unavailable"},
    {Code::kExhausted, "exhausted"},
    {Code::kInternal, "internal"},
}};

}  // namespace

std::string_view code_name(Code code) {
  for (const auto& [value, name] : kNames)
    if (value == code) return name;
  return "internal";
}

Code code_from_name(std::string_view wanted) {
  for (const auto& [value, name] : kNames)
    if (name == wanted) return value;
  return Code::kInternal;
}

}  // namespace osiris
