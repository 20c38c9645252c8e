#include "host/adapters/adapter_manifest.h"

#include <algorithm>

#include "host/adapters/module_check.h"
#include "host/adapters/tomlplusplus.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr std::string_view kSuffix = ".adapter.toml";
constexpr const char* kPlatform = "linux_amd64";
constexpr uint64_t kManifestBytesMax = 64 << 10;

class ManifestReader {
 public:
  ManifestReader(const toml::table& table, const std::filesystem::path& file) : table_(table), file_(file) {}

  Error error(const std::string& what, const std::string& hint = {}) const {
    return Error(Code::kInvalidArgument, file_.string() + ": " + what, hint);
  }

  // Empty when absent.
  Result<std::string> text(const char* section, const char* key) const {
    const auto node = at(section)[key];
    if (!node) return std::string();
    if (!node.is_string()) return error(name(section, key) + " is not a text");
    return node.value_or(std::string());
  }

  Result<std::string> required_text(const char* section, const char* key) const {
    OSIRIS_ASSIGN(std::string value, text(section, key));
    if (value.empty()) return error(name(section, key) + " is missing");
    return value;
  }

  toml::node_view<const toml::node> at(const char* section) const {
    return *section ? table_[section] : toml::node_view<const toml::node>(table_);
  }

 private:
  static std::string name(const char* section, const char* key) {
    return *section ? std::string(section) + "." + key : std::string(key);
  }
  const toml::table& table_;
  const std::filesystem::path& file_;
};

Result<std::string> read_sha256(const ManifestReader& reader) {
  const auto library = reader.at("library");
  std::string value;
  if (library["sha256"].is_table()) {
    value = library["sha256"][kPlatform].value_or(std::string());
  } else {
    OSIRIS_ASSIGN(value, reader.text("library", "sha256"));
  }
  value = ascii_lower(value);
  if (!value.empty() && (value.size() != 64 || !is_hex(value)))
    return reader.error("library.sha256 is not 64 hex digits");
  return value;
}

Status read_needs(const ManifestReader& reader, AdapterManifest& manifest) {
  const auto needs = reader.at("needs");
  if (const auto isolate = needs["isolate"]) {
    if (!isolate.is_boolean()) return reader.error("needs.isolate is not true or false");
    manifest.isolate = isolate.value_or(false);
  }
  manifest.network = needs["network"].value_or(false);
  const auto secrets = needs["secrets"];
  if (!secrets) return {};
  if (!secrets.is_array()) return reader.error("needs.secrets is not a list");
  for (const auto& secret : *secrets.as_array()) {
    if (!secret.is_string()) return reader.error("needs.secrets holds something that is not a text");
    manifest.secrets.push_back(secret.value_or(std::string()));
  }
  return {};
}

// [a-z][a-z0-9-]*
bool is_word(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Status read_commands(const ManifestReader& reader, AdapterManifest& manifest) {
  OSIRIS_ASSIGN(manifest.flag, reader.text("commands", "flag"));
  OSIRIS_ASSIGN(manifest.resources_noun, reader.text("commands", "resources"));
  OSIRIS_ASSIGN(manifest.resource_kind, reader.text("commands", "resource_kind"));
  const std::string_view flag = manifest.flag;
  if (!flag.empty() && !(flag.starts_with("--") && is_word(flag.substr(2))))
    return reader.error("commands.flag is no flag", "write it as \"--name\"");
  for (const std::string* word : {&manifest.resources_noun, &manifest.resource_kind})
    if (!word->empty() && !is_word(*word))
      return reader.error("commands names '" + *word + "', which is no word of lower case letters");
  return {};
}

Result<AdapterManifest> read_fields(const ManifestReader& reader, const std::filesystem::path& file) {
  AdapterManifest manifest;
  manifest.file = file;
  const auto version = reader.at("")["manifest_version"].value<int64_t>();
  if (!version) return reader.error("manifest_version is missing", "write manifest_version = 1");
  if (*version != 1) {
    return reader.error("manifest_version is " + std::to_string(*version) + "; this osiris reads 1", "upgrade osiris");
  }
  OSIRIS_ASSIGN(manifest.id, reader.required_text("", "id"));
  if (!is_adapter_id(manifest.id)) return reader.error("id '" + manifest.id + "' is not [a-z][a-z0-9]*");
  if (file.filename() != manifest.id + std::string(kSuffix)) {
    return reader.error("id is '" + manifest.id + "', the file's name says otherwise",
                        "call the file " + manifest.id + std::string(kSuffix));
  }
  OSIRIS_ASSIGN(manifest.version, reader.required_text("", "version"));
  OSIRIS_ASSIGN(manifest.publisher, reader.text("", "publisher"));
  OSIRIS_ASSIGN(manifest.licence, reader.text("", "licence"));
  OSIRIS_ASSIGN(manifest.url, reader.text("", "url"));
  OSIRIS_ASSIGN(manifest.summary, reader.text("", "summary"));
  OSIRIS_ASSIGN(manifest.abi_built, reader.text("abi", "built"));
  OSIRIS_ASSIGN(manifest.abi_min_host, reader.text("abi", "min_host"));
  OSIRIS_ASSIGN(const std::string library, reader.required_text("library", kPlatform));
  manifest.library = (file.parent_path() / library).lexically_normal();  // an absolute `library` replaces the parent
  OSIRIS_ASSIGN(manifest.sha256, read_sha256(reader));
  OSIRIS_TRY(read_needs(reader, manifest));
  OSIRIS_TRY(read_commands(reader, manifest));
  return manifest;
}

}  // namespace

Result<AdapterManifest> read_adapter_manifest(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(const std::string text, read_file(file, kManifestBytesMax));
  return parse_adapter_manifest(text, file);
}

Result<AdapterManifest> parse_adapter_manifest(std::string_view text, const std::filesystem::path& file) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& problem = parsed.error();
    return Error(Code::kInvalidArgument, file.string() + ":" + std::to_string(problem.source().begin.line) +
                                             ": not TOML: " + std::string(problem.description()));
  }
  return read_fields(ManifestReader(parsed.table(), file), file);
}

}  // namespace osiris
