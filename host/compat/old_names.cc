#include "host/compat/old_names.h"

namespace osiris {
namespace {

struct RenamedField {
  std::string_view family, was, is;
};
constexpr RenamedField kRenamedFields[] = {{"mysql", "username", "user"}};

}  // namespace

std::string_view current_connection_field(std::string_view family, std::string_view field) {
  for (const RenamedField& renamed : kRenamedFields)
    if (renamed.family == family && renamed.was == field) return renamed.is;
  return {};
}

std::vector<std::string_view> old_connection_fields(std::string_view family) {
  std::vector<std::string_view> fields;
  for (const RenamedField& renamed : kRenamedFields)
    if (renamed.family == family) fields.push_back(renamed.was);
  return fields;
}

}  // namespace osiris
