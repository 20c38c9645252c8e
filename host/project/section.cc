#include "host/project/section.h"

#include <algorithm>

#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// A word as people write one: a number is taken for its text.
bool is_word(const YamlNode& value) { return value.is_string() || value.scalar.is_number(); }
std::string word_of(const YamlNode& value) { return value.is_string() ? value.text() : value.scalar.dump_canonical(); }

}  // namespace

Section::Section(const YamlNode* node, std::string name, Diagnostics& diagnostics, const char* finding)
    : node_(node), name_(std::move(name)), diagnostics_(diagnostics), finding_(finding) {
  if (node_ && !node_->is_mapping() && !node_->is_null()) {
    diagnostics_.error(finding_, name_ + " must be a mapping, got " + std::string(node_->python_type()), name_,
                       node_->mark);
    node_ = nullptr;
  }
}

const YamlNode* Section::take(const std::string& key) {
  known_.push_back(key);
  const YamlNode* value = node_ ? node_->find(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

void Section::read(const std::string& key, std::string& out) {
  const YamlNode* value = take(key);
  if (!value) return;
  if (!is_word(*value)) return fail_key(key, *value, "a string");
  out = word_of(*value);
}

void Section::read(const std::string& key, bool& out) {
  const YamlNode* value = take(key);
  if (!value) return;
  if (value->kind != YamlNode::Kind::kBool) return fail_key(key, *value, "a boolean");
  out = value->scalar.as_bool();
}

void Section::read(const std::string& key, int& out, int least, int most) {
  const YamlNode* value = take(key);
  if (!value) return;
  if (value->kind != YamlNode::Kind::kInt) return fail_key(key, *value, "an integer");
  const int64_t number = value->scalar.as_int(INT64_MAX);
  if (number < least || number > most)
    return fail_at(
        key, *value,
        " must be between " + std::to_string(least) + " and " + std::to_string(most) + ", got " + value->scalar.dump());
  out = static_cast<int>(number);
}

void Section::read(const std::string& key, std::optional<uint64_t>& out) {
  const YamlNode* value = take(key);
  if (!value) return;
  const bool is_text = value->is_string() || value->kind == YamlNode::Kind::kInt;
  const auto bytes = parse_byte_count(value->is_string() ? value->text()
                                      : is_text          ? value->scalar.dump()
                                                         : std::string());
  if (!bytes.ok()) return fail_key(key, *value, "a size, as 2GiB or a number of bytes");
  out = static_cast<uint64_t>(*bytes);
}

void Section::read(const std::string& key, std::vector<std::string>& out) {
  const YamlNode* value = take(key);
  if (!value) return;
  std::vector<std::string> words;
  if (value->is_string())
    words.push_back(value->text());
  else if (!value->is_sequence())
    return fail_key(key, *value, "a list");
  for (const YamlNode& item : value->items) {
    if (!item.is_string()) return fail_key(key, item, "a list of strings");
    words.push_back(item.text());
  }
  out = std::move(words);
}

void Section::read(const std::string& key, std::map<std::string, std::string>& out) {
  const YamlNode* value = take(key);
  if (!value) return;
  if (!value->is_mapping()) return fail_key(key, *value, "a mapping");
  for (const auto& member : value->members) {
    if (!is_word(member.value)) return fail_key(key + "." + member.key, member.value, "a string");
    out[member.key] = word_of(member.value);
  }
}

void Section::read_duration_s(const std::string& key, double& out, double most) {
  const YamlNode* value = take(key);
  if (!value) return;
  if (!is_word(*value)) return fail_key(key, *value, "a duration");
  const auto seconds = parse_duration_s(word_of(*value));
  if (!seconds.ok()) return fail_at(key, *value, ": " + seconds.error().message, "write 10s, 500ms or 2m");
  if (*seconds <= 0 || *seconds > most)
    return fail_at(key, *value,
                   " must be more than 0 and at most " + std::to_string(static_cast<int>(most)) + " seconds, got " +
                       word_of(*value));
  out = *seconds;
}

void Section::fail_at(const std::string& key, const YamlNode& value, const std::string& what, const std::string& hint) {
  diagnostics_.error(finding_, short_path(key) + what, path(key), value.mark, hint);
}

void Section::warn_unknown() {
  if (!node_) return;
  for (const auto& member : node_->members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    const auto near = nearest(member.key, known_);
    diagnostics_.warning("unknown_key", "Unknown key: '" + member.key + "'", path(member.key), member.key_mark,
                         near ? "did you mean '" + *near + "'?" : "");
  }
}

void Section::warn_ignored(const std::string& key) {
  if (const YamlNode* written = take(key))
    diagnostics_.warning("ignored_key", "'" + path(key) + "' has no effect here", path(key), written->mark,
                         "remove it");
}

// Python Osiris leaves "filesystem." out of its messages.
std::string Section::short_path(const std::string& key) const {
  const std::string full = path(key);
  return full.starts_with("filesystem.") ? full.substr(11) : full;
}

void Section::fail_key(const std::string& key, const YamlNode& value, const std::string& wanted) {
  fail_at(key, value, " must be " + wanted + ", got " + std::string(value.python_type()));
}

}  // namespace osiris
