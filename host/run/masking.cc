#include "host/run/masking.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

constexpr std::array kStructural = {"ts",          "session",       "event",          "metric",        "unit",
                                    "session_id",  "run_id",        "step_id",        "driver",        "component",
                                    "pipeline_id", "manifest_hash", "manifest_short", "sha256",        "adapter",
                                    "family",      "alias",         "from_step",      "artifact_type", "level",
                                    "key",         "cause",         "error_type",     "category",      "code",
                                    "manifest_fp", "oml_fp",        "execution_fp",   "worker_sha256", "specs_sha256",
                                    "profile",     "sandbox_id"};

// Reads a name backwards from `end`; empty if there is none.
std::string_view name_before(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && is_word(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// A word that reads like prose and not like a password: "not", "was", "YES".
bool is_prose(std::string_view value) {
  if (value == "YES" || value == "NO") return true;
  return std::all_of(value.begin(), value.end(), [](char c) { return std::islower(static_cast<unsigned char>(c)); });
}

// The end of the value that starts at `at`; quoted values end at their quote.
size_t value_end(std::string_view text, size_t at) {
  static constexpr std::string_view kStops = " \t\r\n,;&\"'})]";
  return std::min(text.find_first_of(kStops, at), text.size());
}

// "key" alone is too ordinary a word: "expected KEY=VALUE".
bool is_secret_in_prose(std::string_view name) { return ascii_lower(name) != "key" && names_a_secret(name); }

// Keys of records are few, and each is asked about again and again.
bool is_secret_key(std::string_view key) {
  constexpr size_t kKnownMax = 512;
  static thread_local std::map<std::string, bool, std::less<>> known;
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  if (known.size() >= kKnownMax) known.clear();  // of data: names without end
  return known.emplace(key, names_a_secret(key)).first->second;
}

// Masks `name=value`, `"name": "value"`, `name: value`, `Authorization: Basic xyz`.
std::string mask_assignments(std::string_view text) {
  std::string out;
  size_t copied = 0;
  for (size_t at = text.find_first_of("=:"); at != std::string_view::npos; at = text.find_first_of("=:", at + 1)) {
    if (at < copied) continue;
    size_t name_end = at;
    while (name_end > 0 && text[name_end - 1] == ' ') --name_end;
    const bool quoted_name = name_end > 0 && (text[name_end - 1] == '"' || text[name_end - 1] == '\'');
    if (quoted_name) --name_end;
    const std::string_view name = name_before(text, name_end);
    if (name.empty() || !is_secret_in_prose(name)) continue;
    size_t begin = at + 1;
    while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\\')) ++begin;
    size_t end;
    if (begin < text.size() && (text[begin] == '"' || text[begin] == '\'')) {
      const char quote = text[begin++];
      end = begin;
      while (end < text.size() && text[end] != quote) end += text[end] == '\\' && end + 1 < text.size() ? 2 : 1;
      end = std::min(end, text.size());
    } else if (ascii_lower(name).ends_with("authorization")) {
      end = std::min(text.find_first_of("\r\n\"'", begin), text.size());
    } else {
      end = value_end(text, begin);
      if (text[at] == ':' && !quoted_name && is_prose(text.substr(begin, end - begin))) continue;
    }
    const std::string_view value = text.substr(begin, end - begin);
    if (value.empty() || value.starts_with("${") || value.starts_with(kMasked)) continue;
    out += text.substr(copied, begin - copied);
    out += kMasked;
    copied = end;
  }
  return out += text.substr(copied);
}

// Tokens that say what they are: AWS key ids, GitHub, Slack, E2B and "Bearer x".
struct Shape {
  std::string_view prefix;
  size_t length_min;  // of what follows the prefix
};
constexpr std::array kShapes = {Shape{"AKIA", 16}, Shape{"ghp_", 30},        Shape{"gho_", 30},  Shape{"ghs_", 30},
                                Shape{"ghu_", 30}, Shape{"github_pat_", 30}, Shape{"xoxb-", 10}, Shape{"xoxp-", 10},
                                Shape{"e2b_", 32}, Shape{"Bearer ", 8}};

std::string mask_tokens(std::string_view text) {
  std::string out(text);
  for (const Shape& shape : kShapes) {
    for (size_t at = out.find(shape.prefix); at != std::string::npos; at = out.find(shape.prefix, at + 1)) {
      if (at > 0 && is_word(out[at - 1])) continue;
      const size_t begin = at + shape.prefix.size();
      size_t end = begin;
      while (end < out.size() && (is_word(out[end]) || out[end] == '.' || out[end] == '+' || out[end] == '/')) ++end;
      if (end - begin < shape.length_min) continue;
      const size_t from = shape.prefix == "Bearer " ? begin : at;
      out.replace(from, end - from, kMasked);
    }
  }
  return out;
}

// Whether one of the three can find something: most texts have nothing of it, and are not copied.
bool may_have_shapes(std::string_view text) {
  return text.find_first_of("=:") != std::string_view::npos ||
         std::any_of(kShapes.begin(), kShapes.end(),
                     [&](const Shape& shape) { return text.find(shape.prefix) != std::string_view::npos; });
}

}  // namespace

bool is_structural_name(std::string_view name) {
  return std::find(kStructural.begin(), kStructural.end(), name) != kStructural.end();
}

std::string mask_shapes(std::string_view text) {
  if (!may_have_shapes(text)) return std::string(text);
  return mask_tokens(mask_url_passwords(mask_assignments(text)));
}

void Masking::learn(std::string_view value) {
  std::unique_lock lock(mutex_);
  redactor_.add(value);
}

std::string Masking::text(std::string_view text) const {
  std::shared_lock lock(mutex_);
  return mask_shapes(redactor_.redact(text));
}

void Masking::mask_text(std::string& text) const {
  if (!redactor_.empty()) text = redactor_.redact(text);
  if (may_have_shapes(text)) text = mask_shapes(text);
}

void Masking::mask_member(Json& value, std::string_view key) const {
  if (!key.empty() && !value.is_null() && !value.is_bool() && is_secret_key(key)) {
    value = kMasked;
  } else if (value.is_string()) {
    std::string text = value.as_string();
    mask_text(text);
    if (text != value.as_string()) value = Json(std::move(text));
  } else if (value.is_array()) {
    for (Json& item : value.items()) mask_member(item, {});
  } else if (value.is_object()) {
    for (auto& [name, item] : value.members()) {
      mask_member(item, name);
      if (!redactor_.empty()) name = redactor_.redact(name);
    }
  }
}

void Masking::mask(Json& object) const {
  if (!object.is_object()) object = Json::object();
  std::shared_lock lock(mutex_);
  for (auto& [name, value] : object.members()) {
    if (!is_structural_name(name) || value.is_object()) mask_member(value, name);
    if (!redactor_.empty()) name = redactor_.redact(name);
  }
}

Json Masking::fields(const Json& object) const {
  Json out = object;
  mask(out);
  return out;
}

}  // namespace osiris
