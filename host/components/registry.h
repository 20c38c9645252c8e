// The components a pipeline may use, read from <prefix>/share/osiris/components/<name>/spec.yaml. A spec is the
// contract between the pipeline's author and a driver: config schema, secrets, connection fields. What osiris needs
// beyond Python Osiris's format stands under `x-osiris` (docs/oml.md, "Component specs"), so specs of Python Osiris
// load and ours stay valid.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/yaml/diagnostic.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct ConnectionField {
  enum class Override { kAllowed, kWarning, kForbidden };
  std::string name;
  Override policy = Override::kAllowed;
};

// Where a component connects to, in terms of connection or config fields.
struct NetworkUse {
  std::string host_field;   // "host"
  std::string port_field;   // "port"
  std::string url_field;    // "endpoint": host and port are taken from the URL
  std::string hosts_field;  // "network": a list of them in the step's config, each with a port or without
  std::string default_host;
  int default_port = 0;
  std::string choice_field;                    // a field whose values stand for hosts of their own,
  std::map<std::string, std::string> choices;  // "eu" -> "eu.posthog.com"; others mean default_host
  std::string host_suffix;                     // ".supabase.co": what is at host_field lacks it
  // Secret fields that hold a connection string; host and port of the first that is there go into these fields.
  std::vector<std::string> dsn_fields;
  std::string dsn_host_field, dsn_port_field;
};

// A key or value that older pipelines carry and that changes nothing: a warning instead of an error. Empty values: any.
struct IgnoredKey {
  std::string key;
  std::vector<Json> values;
};

// What the parts of a split are: rows of one moment, or each of its own; kNone: it has no parts.
enum class SplitReads { kNone, kOneSnapshot, kSeparate };

struct ComponentSpec {
  std::string name;
  std::string version;
  std::string title;
  std::string description;
  std::vector<std::string> modes;          // extract, write, transform, ...
  Json config_schema;                      // JSON schema of `config`
  Json document;                           // the whole spec
  std::vector<std::string> secret_fields;  // first segments of `secrets` and `x-secret`, without resolved_connection
  std::vector<ConnectionField> connection_fields;
  // x-osiris
  bool hidden = false;  // not listed, and needs a flag to run (mock)
  std::string driver;   // the worker driver; empty: no driver yet, compiles but cannot run
  bool connection_optional = false;
  bool default_connection = true;          // a step without `connection` takes the family's default
  std::vector<std::string> reads;          // config keys that name an input file
  bool takes_patterns = false;             // those may be patterns (protocol/base/file_pattern.h)
  bool takes_addresses = false;            // those may be https:// and s3://
  std::vector<std::string> beside;         // suffixes of files beside an input that belong to it, where they are there
  std::vector<std::string> writes;         // config keys that name an output file
  bool updates = false;                    // what is at an output is read first, where it is there
  std::string directory_key;               // with this key in its config those are directories of files
  std::vector<std::string> installs;       // config keys that list packages a step needs installed
  std::string chunks_key;                  // of an object in its config whose chunk_rows makes chunks of its rows
  std::string state_key;                   // with this key in its config a step keeps a state; "always": any step does
  SplitReads split = SplitReads::kNone;    // what `foreach: {split: …}` of a step would read
  std::map<std::string, std::string> sql;  // config keys whose text is SQL -> its dialect: duckdb, mysql
  std::string base_dir_field;              // the connection field those paths start in
  std::optional<NetworkUse> network;
  std::vector<IgnoredKey> forgiven;
  std::map<std::string, std::vector<std::string>>
      key_synonyms;                              // "primary_key" -> {"upsert_keys"}: either satisfies a rule
  Json connection_schema;                        // extra fields of the family's connections, JSON schema properties
  std::vector<std::string> connection_required;  // fields that a connection must have, because no step can give them
  std::filesystem::path file;
  std::string sha256;  // of the spec file's bytes

  std::string family() const { return name.substr(0, name.find('.')); }
  bool supports(std::string_view component_mode) const;
  // Its modes in the words of a pipeline ("read" for "extract"); those that a pipeline cannot name are left out.
  std::vector<std::string> oml_modes() const;
  const ConnectionField* connection_field(std::string_view field) const;
  bool is_secret(
      std::string_view field) const;  // by pointer or by name (is_surely_secret of protocol/base/secret_names.h)
  bool has_chunks(const Json& cfg) const { return !chunks_key.empty() && !cfg[chunks_key]["chunk_rows"].is_null(); }
  bool keeps_state(const Json& cfg) const {
    return !state_key.empty() && (state_key == "always" || !cfg[state_key].is_null());
  }
  const Json& property(std::string_view key) const { return config_schema["properties"][key]; }
};

class ComponentRegistry {
 public:
  // Reads every <dir>/<name>/spec.yaml; of one name the first directory wins. A broken spec is skipped with a warning,
  // as is a directory that does not exist.
  static ComponentRegistry load(const std::vector<std::filesystem::path>& directories, Diagnostics& diagnostics);
  // <prefix>/share/osiris/components for the directory that holds the running binary (<prefix>/bin).
  static std::filesystem::path installed_directory(const std::filesystem::path& executable_directory);

  const ComponentSpec* find(std::string_view name) const;
  // The names of fields that some component's spec calls secret. Sorted, each once.
  std::vector<std::string> secret_fields() const;
  std::vector<const ComponentSpec*> all(bool with_hidden = false) const;  // by name
  std::vector<std::string> names(bool with_hidden = false) const;
  // For the author of a pipeline that names a component there is none of: the one that was probably meant, or those
  // with the same purpose.
  std::string hint_for_unknown(std::string_view name) const;
  // What the worker's handshake compares: SHA-256 over "<name> NUL <sha256 of spec.yaml> LF" of each component that has
  // a driver, sorted by name (worker/specs computes the same).
  std::string specs_sha256() const;

 private:
  class Entry;
  void add(const std::filesystem::path& file, std::string_view text, Diagnostics& diagnostics);

  std::map<std::string, std::shared_ptr<Entry>, std::less<>> entries_;
};

// One spec.yaml read and checked against the format; nothing when `diagnostics` got an error.
std::optional<Json> parse_spec_document(std::string_view text, Diagnostics& diagnostics);
// From such a document; without `file` and `sha256`.
ComponentSpec component_spec_of(Json document);

}  // namespace osiris
