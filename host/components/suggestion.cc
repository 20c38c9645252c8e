// What to say of a component that does not exist. Names that look alike may mean quite different things
// (postgres.extractor, posthog.extractor), so spelling counts only within a family; beyond it counts what the component
// is for.
#include <algorithm>
#include <array>
#include <utility>

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

// What a name's words are about, in our words: other tools call JSON lines and shells by other names.
constexpr std::pair<std::string_view, std::string_view> kSubjects[] = {
    {"jsonl", "json"},     {"ndjson", "json"}, {"shell", "exec"},          {"bash", "exec"},     {"command", "exec"},
    {"sqlite3", "sqlite"}, {"pq", "parquet"},  {"postgresql", "postgres"}, {"mariadb", "mysql"},
};

std::string subject_of(const std::string& word) {
  for (const auto& [other, ours] : kSubjects)
    if (word == other) return std::string(ours);
  return word;
}

std::vector<std::string> words_of(std::string_view name) {
  std::string spaced(name);
  std::replace_if(spaced.begin(), spaced.end(), [](char c) { return c == '.' || c == '_' || c == '-'; }, ' ');
  std::vector<std::string> words;
  for (const std::string& word : split(spaced, ' '))
    if (word.size() > 1) words.push_back(subject_of(word));
  return words;
}

bool is_role(std::string_view word) {
  return std::any_of(std::begin(kRoles), std::end(kRoles), [&](const Role& role) {
    return word == role.word || std::find(role.others.begin(), role.others.end(), word) != role.others.end();
  });
}

// The first component that does what `role` says (null: anything) with something the name speaks of.
const ComponentSpec* by_subject(const std::vector<const ComponentSpec*>& specs, std::string_view wanted,
                                const Role* role) {
  const std::vector<std::string> words = words_of(wanted);
  for (const ComponentSpec* spec : specs) {
    if (spec->driver.empty() || (role && !spec->supports(role->mode))) continue;
    for (const std::string& theirs : words_of(spec->name))
      if (!is_role(theirs) && theirs != "filesystem" && std::find(words.begin(), words.end(), theirs) != words.end())
        return spec;
  }
  return nullptr;
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
    // "extractor" alone says nothing of what is extracted.
    const bool same_kind = role && their_part != role->word && their_part.ends_with(role->word);
    if (same_family && (their_part == ours || (same_kind && is_alike(ours, their_part))))
      return "did you mean '" + spec->name + "'?";
    if (same_family && is_alike(part, their_part)) alike.push_back(spec->name);
    if (spec->driver.empty()) continue;
    runnable.push_back(spec->name);
    if (role && spec->supports(role->mode)) same_role.push_back(spec->name);
  }
  if (!alike.empty()) return "did you mean '" + alike.front() + "'?";
  if (const ComponentSpec* spec = by_subject(all(), wanted, role)) return "did you mean '" + spec->name + "'?";
  if (role && !same_role.empty())
    return "there is none of this name; " + std::string(role->word) + "s are: " + join(same_role, ", ");
  if (!runnable.empty()) return "there is none of this name; there are: " + join(runnable, ", ");
  return "'osiris components list' shows what there is";
}

}  // namespace osiris
