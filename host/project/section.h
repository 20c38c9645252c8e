// Reads members of a mapping that people wrote (osiris.yaml, hooks of a pipeline) into fields, and says what is wrong
// where. Every known key is named once, by the read that uses it; what is left over is unknown.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"

namespace osiris {

// The type of findings about osiris.yaml.
inline constexpr const char* kConfigFinding = "config_error";

// A key that is absent or null leaves its field as it is. `node` may be null; it and `diagnostics` must outlive the
// object.
class Section {
 public:
  Section(const YamlNode* node, std::string name, Diagnostics& diagnostics, const char* finding = kConfigFinding);

  // The value of a key that something else reads; null: there is none.
  const YamlNode* take(const std::string& key);
  Section section(const std::string& key) { return {take(key), path(key), diagnostics_, finding_}; }

  void read(const std::string& key, std::string& out);
  void read(const std::string& key, bool& out);
  void read(const std::string& key, int& out, int least, int most);
  // A size: bytes, or a text with a unit.
  void read(const std::string& key, std::optional<uint64_t>& out);
  // A list of words, or one word.
  void read(const std::string& key, std::vector<std::string>& out);
  // A mapping of texts.
  void read(const std::string& key, std::map<std::string, std::string>& out);
  // Seconds, or "500ms", "10s", "5m": positive, and no more than `most`.
  void read_duration_s(const std::string& key, double& out, double most);

  void fail_at(const std::string& key, const YamlNode& value, const std::string& what, const std::string& hint = {});
  void warn_unknown();
  // A key of Python Osiris that asks for something this program does not do.
  void warn_ignored(const std::string& key);

 private:
  std::string path(const std::string& key) const { return name_.empty() ? key : name_ + "." + key; }
  std::string short_path(const std::string& key) const;
  void fail_key(const std::string& key, const YamlNode& value, const std::string& wanted);

  const YamlNode* node_;
  std::string name_;
  Diagnostics& diagnostics_;
  const char* finding_;
  std::vector<std::string> known_;
};

}  // namespace osiris
