// osiris_connections.yaml: which connections exist, what their fields are, and which of them are secret. Secret values
// stay inside this object, in memory, and leave it only through secret_value(); documents carry their names.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/project/environment.h"
#include "host/yaml/node.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/base/wipe.h"

namespace osiris {

struct ConnectionRef {
  std::string family;
  std::string alias;
  std::string text() const { return "@" + family + "." + alias; }
};
// "@family.alias"; kInvalidArgument otherwise, with Python Osiris's text.
Result<ConnectionRef> parse_connection_ref(std::string_view text);

struct ResolvedConnection {
  ConnectionRef ref;
  Json fields = Json::object();                     // non-secret fields, variables filled in
  std::map<std::string, std::string> secret_names;  // field -> "connection/mysql.shop/password"
  Mark mark;                                        // of the alias in the connections file
};

class Connections {
 public:
  Connections() = default;
  // Searches $OSIRIS_HOME, cwd, its parent and install_root, in this order; none there means no connections. Refuses a
  // file that its group or others can write. kInvalidArgument for a file that is not the right YAML: `findings`, unless
  // null, then holds all that is wrong with it.
  static Result<Connections> load(const std::filesystem::path& cwd, const Environment& environment,
                                  const std::filesystem::path& install_root = {}, Diagnostics* findings = nullptr);
  static Result<Connections> load_file(const std::filesystem::path& file, const Environment& environment,
                                       Diagnostics* findings = nullptr);

  bool has_file() const { return !file_.empty(); }
  const std::filesystem::path& file() const { return file_; }
  // What is odd about the file as a whole: keys written twice, unknown ones. Warnings only.
  const Diagnostics& findings() const { return findings_; }
  // The variable is set, and not empty.
  bool has_variable(std::string_view name) const { return environment_.get_filled(name).has_value(); }
  // The variables without default that a value names and that are not set.
  std::vector<std::string> unset_variables(const YamlNode& value) const;
  std::vector<std::string> families() const;
  // Where a family's name stands; unknown when there is no such family.
  Mark family_mark(std::string_view family) const;
  std::vector<std::string> aliases(std::string_view family) const;
  // Fails with Python Osiris's texts when it does not exist.
  Status exists(const ConnectionRef& ref) const;
  // The alias with `default: true`, else the one called "default".
  Result<ConnectionRef> default_of(std::string_view family) const;
  // The connection as written, for positions; null when there is none.
  const YamlNode* find_entry(const ConnectionRef& ref) const;
  // Fills variables in and parts secret fields from others. `secret_fields`: those the component's spec names, beside
  // names_a_secret() and URLs with a password. An unset variable: "Environment variable 'X' not set for password in
  // mysql.shop".
  Result<ResolvedConnection> resolve(const ConnectionRef& ref, const std::vector<std::string>& secret_fields) const;
  // The value behind a secret name ("connection/<family>.<alias>/<field>"). Text as it is; other values as JSON.
  Result<SecretString> secret_value(std::string_view name) const;

  // For `connections list`: {family: {alias: {"config": masked, "env_vars": {VAR: is set}, "is_default"}}}.
  Json describe(const std::map<std::string, std::vector<std::string>>& secret_fields_by_family = {}) const;

 private:
  Status family_exists(const std::string& family) const;

  std::filesystem::path file_;
  YamlNode root_;  // the `connections` mapping
  Diagnostics findings_;
  Environment environment_;
};

// "Environment variable 'X' not set for <field> in <family>.<alias>".
Error unset_variable(const std::string& variable, const std::string& field, const ConnectionRef& ref);

// Replaces ${VAR} and ${VAR:-default}; an unset or empty variable without default stays as it is and is added to
// `missing`.
std::string substitute_variables(std::string_view text, const Environment& environment,
                                 std::vector<std::string>* missing = nullptr,
                                 std::map<std::string, bool>* seen = nullptr);

}  // namespace osiris
