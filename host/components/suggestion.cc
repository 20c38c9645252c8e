// What to say of a component that does not exist. Names that look alike may mean quite different things
// (postgres.extractor, posthog.extractor), so spelling counts only within a family; beyond it counts what the component
// is for.
#include <algorithm>
#include <array>

#include "host/components/registry.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// The last word of a name says what the component does; other tools have other words for it.
struct Role {
  std::string_view word;  // ours
  std::string_view mode;
  std::array<std::string_view, 8> others;
};
constexpr Role kRoles[] = {
    {"extractor", "extract", {"reader", "read", "source", "extract", "input", "loader", "select", "import"}},
    {"writer", "write", {"write", "sink", "target", "output", "destination", "load", "export", "save"}},
    {"processor",
     "transform",
     {"transform", "transformer", "transformation", "sql", "query", "step", "script", "runner"}},
};

const Role* role_of(std::string_view word) {
  for (const Role& role : kRoles)
    if (word.ends_with(role.word) || std::any_of(role.others.begin(), role.others.end(),
                                                 [&](std::string_view other) { return word.ends_with(other); }))
      return &role;
  return nullptr;
}

// "csv_reader" as we would say it: "csv_extractor".
std::string in_our_words(const std::string& part, const Role& role) {
  for (const std::string_view other : role.others)
    if (part.ends_with(other)) return part.substr(0, part.size() - other.size()) + std::string(role.word);
  return part;
}

bool is_alike(std::string_view a, std::string_view b) { return a == b || nearest(a, {std::string(b)}).has_value(); }

}  // namespace

std::string ComponentRegistry::hint_for_unknown(std::string_view name) const {
  const std::string wanted = ascii_lower(name);
  const size_t dot = wanted.find('.');
  const std::string family = dot == std::string::npos ? "" : wanted.substr(0, dot);
  const std::string part = dot == std::string::npos ? wanted : wanted.substr(dot + 1);
  const Role* role = role_of(part);
  const std::string ours = role ? in_our_words(part, *role) : part;
  std::vector<std::string> alike, same_role, runnable;
  for (const ComponentSpec* spec : all()) {
    const std::string their_part = spec->name.substr(spec->family().size() + 1);
    const bool same_family = family.empty() || is_alike(family, spec->family());
    if (same_family && (their_part == ours || (role && their_part.ends_with(role->word) && is_alike(ours, their_part))))
      return "did you mean '" + spec->name + "'?";
    if (same_family && is_alike(part, their_part)) alike.push_back(spec->name);
    if (spec->driver.empty()) continue;
    runnable.push_back(spec->name);
    if (role && spec->supports(role->mode)) same_role.push_back(spec->name);
  }
  if (!alike.empty()) return "did you mean '" + alike.front() + "'?";
  if (role && !same_role.empty())
    return "there is none of this name; " + std::string(role->word) + "s are: " + join(same_role, ", ");
  if (!runnable.empty()) return "there is none of this name; there are: " + join(runnable, ", ");
  return "'osiris components list' shows what there is";
}

}  // namespace osiris
