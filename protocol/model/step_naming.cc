#include "protocol/model/step_naming.h"

#include <map>

#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

bool is_ascii_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::string relation_name(std::string_view step_id) {
  std::string name;
  for (const char c : step_id) {
    if (is_ascii_alnum(c) || c == '_')
      name += c;
    else if (!continues_utf8(c))
      name += '_';
  }
  if (!name.empty() && name[0] >= '0' && name[0] <= '9') name.insert(0, 1, '_');
  return "df_" + name;
}

std::vector<std::pair<std::string, std::string>> relation_names(const std::vector<std::string>& step_ids) {
  std::map<std::string, int> uses;
  std::vector<std::pair<std::string, std::string>> names;
  for (const std::string& id : step_ids) {
    names.emplace_back(relation_name(id), id);
    ++uses[ascii_lower(names.back().first)];
  }
  for (auto& [name, id] : names)
    if (uses[ascii_lower(name)] > 1) name += "_" + sha256_hex(id).substr(0, 8);
  return names;
}

bool is_safe_step_id(std::string_view id) {
  if (id.empty() || id == "." || id == ".." || id.size() > kStepIdBytesMax || !is_valid_utf8(id)) return false;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/' || c == '\\') return false;
  }
  return true;
}

}  // namespace osiris
