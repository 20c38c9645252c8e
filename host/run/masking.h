// What must be hidden in everything the host writes for people and programs: events, metrics, logs, status, console.
//
// Three layers. By known value: every secret handed out, in its plain, URL, base64 and hex forms
// (protocol/base/redact.h). By name: a member called `password` (protocol/base/secret_names.h). By shape: a URL with a
// password, `token=...` in a sentence, tokens whose prefix gives them away. Structural fields (ids, names of steps,
// hashes) are never touched: a ULID is not a secret, and a masked run id makes a log useless. Data files never come
// through here.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/redact.h"

namespace osiris {

// May a member of this name, at the top of an event or metric, never be masked? "run_id", "step_id", "sha256", ...
bool is_structural_name(std::string_view name);

// The two layers that need no knowledge of values, over free text.
std::string mask_shapes(std::string_view text);

// [any thread]
class Masking {
 public:
  // From now on `value` is hidden. Values under six bytes are not: they would garble ordinary text.
  void learn(std::string_view value);

  std::string text(std::string_view text) const;
  // The fields of an event or metric (an object), or any other document written for people.
  Json fields(const Json& object) const;
  void mask(Json& object) const;  // the same in its place

 private:
  // Under mutex_.
  void mask_text(std::string& text) const;
  void mask_member(Json& value, std::string_view key) const;

  mutable std::shared_mutex mutex_;
  Redactor redactor_;
};

}  // namespace osiris
