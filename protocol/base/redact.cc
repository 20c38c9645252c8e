#include "protocol/base/redact.h"

#include <algorithm>
#include <cctype>
#include <deque>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  size_t start = 0;
  for (size_t at; (at = text.find(from, start)) != std::string_view::npos; start = at + from.size()) {
    out += text.substr(start, at - start);
    out += to;
  }
  return out += text.substr(start);
}

// %2F as %2f: both are written.
std::string lower_escapes(std::string text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] != '%') continue;
    text.replace(i, 3, ascii_lower(std::string_view(text).substr(i, 3)));
  }
  return text;
}

std::string without_padding(std::string text) {
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

// The characters of base64(prefix + secret + suffix) that do not depend on what stands around the secret, when `shift`
// bytes (mod 3) stand before it.
std::string base64_core(std::string_view secret, size_t shift) {
  std::string text = without_padding(base64(std::string(shift, '\0') + std::string(secret)));
  if ((shift + secret.size()) % 3 != 0) text.pop_back();
  return text.substr(std::min(text.size(), shift == 0 ? size_t{0} : shift + 1));
}

std::string url_safe(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string in_quotes(const std::string& json) { return json.substr(1, json.size() - 2); }

}  // namespace

std::vector<std::string> secret_spellings(std::string_view secret) {
  std::vector<std::string> all = {std::string(secret)};
  const std::string percent = percent_encode(secret);
  for (const std::string& form : {percent, replace_all(percent, "%20", "+")}) {
    all.push_back(form);
    all.push_back(lower_escapes(form));
  }
  std::vector<std::string> base64_forms = {base64(secret), without_padding(base64(secret))};
  for (size_t shift = 0; shift < 3; ++shift) base64_forms.push_back(base64_core(secret, shift));
  for (const std::string& form : base64_forms) {
    all.push_back(form);
    all.push_back(url_safe(form));
    all.push_back(percent_encode(form));
  }
  all.push_back(to_hex(secret));
  all.push_back(upper(to_hex(secret)));
  all.push_back(replace_all(secret, "'", "''"));
  if (is_valid_utf8(secret)) {
    const Json json{secret};
    all.push_back(in_quotes(json.dump()));
    all.push_back(in_quotes(json.dump_canonical(/*ascii_only=*/true)));
    all.push_back(replace_all(all.back(), "/", "\\/"));
  }
  std::vector<std::string> unique;
  for (std::string& form : all) {
    if (form.size() >= kRedactBytesMin && std::find(unique.begin(), unique.end(), form) == unique.end())
      unique.push_back(std::move(form));
  }
  return unique;
}

Redactor::Redactor() : nodes_(1) {}

void Redactor::add(std::string_view secret) {
  if (secret.size() < kRedactBytesMin) return;
  for (const std::string& form : secret_spellings(secret)) insert(form);
  link();
}

void Redactor::insert(std::string_view pattern) {
  State state = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<unsigned char>(c);
    State next = child(state, byte);
    if (next == 0) {
      next = static_cast<State>(nodes_.size());
      nodes_.emplace_back().depth = nodes_[state].depth + 1;
      auto& children = nodes_[state].children;
      children.insert(std::lower_bound(children.begin(), children.end(), std::pair(byte, State{0})), {byte, next});
      if (state == 0) root_[byte] = next;
    }
    state = next;
  }
  nodes_[state].ends = true;
}

// Breadth first: a node's fail link is the longest proper suffix that is a prefix of some pattern.
void Redactor::link() {
  std::deque<State> queue = {0};
  while (!queue.empty()) {
    const State state = queue.front();
    queue.pop_front();
    for (const auto& [byte, next] : nodes_[state].children) {
      nodes_[next].fail = state == 0 ? 0 : step(nodes_[state].fail, byte);
      nodes_[next].longest = nodes_[next].ends ? nodes_[next].depth : nodes_[nodes_[next].fail].longest;
      queue.push_back(next);
    }
  }
}

Redactor::State Redactor::child(State state, unsigned char byte) const {
  if (state == 0) return root_[byte];
  const auto& children = nodes_[state].children;
  const auto found = std::lower_bound(children.begin(), children.end(), std::pair(byte, State{0}));
  return found != children.end() && found->first == byte ? found->second : 0;
}

Redactor::State Redactor::step(State state, unsigned char byte) const {
  for (;;) {
    if (const State next = child(state, byte)) return next;
    if (state == 0) return 0;
    state = nodes_[state].fail;
  }
}

std::string Redactor::redact(std::string_view text) const {
  if (empty()) return std::string(text);
  // Overlapping matches become one hidden stretch, so no rest of a secret stays beside the mask.
  std::vector<std::pair<size_t, size_t>> stretches;  // [begin, end)
  State state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    state = step(state, static_cast<unsigned char>(text[i]));
    if (const size_t length = nodes_[state].longest) {
      size_t begin = i + 1 - length;
      while (!stretches.empty() && stretches.back().second > begin) {
        begin = std::min(begin, stretches.back().first);
        stretches.pop_back();
      }
      stretches.emplace_back(begin, i + 1);
    }
  }
  if (stretches.empty()) return std::string(text);
  std::string out;
  size_t done = 0;
  for (const auto& [begin, end] : stretches) {
    out += text.substr(done, begin - done);
    out += kMasked;
    done = end;
  }
  return out += text.substr(done);
}

void Redactor::redact(Json& value, std::span<const std::string_view> structural) const {
  if (empty()) return;
  if (value.is_string()) {
    if (std::string hidden = redact(value.as_string()); hidden != value.as_string()) value = Json(std::move(hidden));
  } else if (value.is_array()) {
    for (Json& item : value.items()) redact(item, structural);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.members()) {
      if (std::find(structural.begin(), structural.end(), key) != structural.end()) continue;
      redact(member, structural);
      key = redact(key);
    }
  }
}

}  // namespace osiris
