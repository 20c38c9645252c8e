#include "host/compiler/placeholder.h"

namespace osiris {
namespace {

constexpr std::string_view kStart = "${params.";

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
}

}  // namespace

std::optional<Placeholder> find_placeholder(std::string_view text, size_t from) {
  for (size_t start; (start = text.find(kStart, from)) != std::string_view::npos; from = start + 1) {
    size_t end = start + kStart.size();
    while (end < text.size() && is_name_character(text[end])) ++end;
    if (end < text.size() && text[end] == '}' && end > start + kStart.size())
      return Placeholder{start, end + 1, std::string(text.substr(start + kStart.size(), end - start - kStart.size()))};
  }
  return std::nullopt;
}

void collect_placeholders(const YamlNode& node, std::set<std::string>& names) {
  if (node.is_string())
    for (auto found = find_placeholder(node.text(), 0); found; found = find_placeholder(node.text(), found->end))
      names.insert(found->name);
  for (const YamlNode& item : node.items) collect_placeholders(item, names);
  for (const auto& member : node.members) collect_placeholders(member.value, names);
}

}  // namespace osiris
