// Hides known values in text: a secret is replaced by kMasked wherever it stands, as it is or as programs like to write
// it (percent encoded, base64 alone or inside something longer, hex, escaped in JSON or SQL). One pass, linear in the
// text, however many values are known (Aho-Corasick).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/base/secret_names.h"

namespace osiris {

// Shorter values are not hidden: they would garble ordinary text and give themselves away by where the gaps are.
inline constexpr size_t kRedactBytesMin = 6;

// add() and redact() may not run at the same time; redact() may run on any number of threads.
class Redactor {
 public:
  Redactor();
  void add(std::string_view secret);
  bool empty() const { return nodes_.size() == 1; }

  std::string redact(std::string_view text) const;
  // Hides in every text inside `value`, keys of objects included, save for the values of members named in `structural`,
  // whatever their depth: ids, names and hashes that a coincidence must not destroy.
  void redact(Json& value, std::span<const std::string_view> structural = {}) const;

 private:
  using State = uint32_t;
  struct Node {
    std::vector<std::pair<unsigned char, State>> children;  // sorted by byte
    State fail = 0;
    uint32_t depth = 0;
    uint32_t longest = 0;  // bytes of the longest pattern that ends here
    bool ends = false;
  };
  void insert(std::string_view pattern);
  void link();
  State child(State state, unsigned char byte) const;  // 0 when there is none
  State step(State state, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::array<State, 256> root_{};
};

// The spellings of `secret` that Redactor looks for, the plain one first. For tests that search files for a leak.
std::vector<std::string> secret_spellings(std::string_view secret);

}  // namespace osiris
