#include "host/components/registry.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "host/components/compiled_specs.h"
#include "host/installation/installation.h"
#include "protocol/base/file.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace fs = std::filesystem;

bool ComponentSpec::supports(std::string_view component_mode) const {
  return std::find(modes.begin(), modes.end(), component_mode) != modes.end();
}

std::vector<std::string> ComponentSpec::oml_modes() const {
  std::vector<std::string> words;
  for (const std::string& mode : modes) {
    if (mode == "extract") words.emplace_back("read");
    if (mode == "transform" || mode == "write") words.push_back(mode);
  }
  return words;
}

const ConnectionField* ComponentSpec::connection_field(std::string_view field) const {
  for (const ConnectionField& known : connection_fields)
    if (known.name == field) return &known;
  return nullptr;
}

bool ComponentSpec::is_secret(std::string_view field) const {
  return std::find(secret_fields.begin(), secret_fields.end(), field) != secret_fields.end() || is_surely_secret(field);
}

const CompiledSpec* find_compiled_spec(std::string_view sha256) {
  for (const CompiledSpec& spec : compiled_specs())
    if (spec.sha256 == sha256) return &spec;
  return nullptr;
}

// A spec that the build knew is made from its document when it is first asked for: a pipeline names few of them.
class ComponentRegistry::Entry {
 public:
  explicit Entry(ComponentSpec spec)
      : name_(spec.name), file_(spec.file), sha256_(spec.sha256), spec_(std::move(spec)) {
    has_driver_ = !spec_->driver.empty();
    secret_fields_ = spec_->secret_fields;
  }
  Entry(const CompiledSpec& compiled, fs::path file)
      : name_(compiled.name),
        file_(std::move(file)),
        sha256_(compiled.sha256),
        secret_fields_(compiled.secret_fields.empty() ? std::vector<std::string>()
                                                      : split(compiled.secret_fields, ' ')),
        has_driver_(compiled.has_driver),
        document_(compiled.document) {}

  const std::string& name() const { return name_; }
  const std::string& sha256() const { return sha256_; }
  const std::vector<std::string>& secret_fields() const { return secret_fields_; }
  bool has_driver() const { return has_driver_; }
  const ComponentSpec& spec() {  // [any thread]
    std::call_once(made_, [this] {
      if (spec_) return;
      spec_ = component_spec_of(*parse_json(document_));
      spec_->file = file_;
      spec_->sha256 = sha256_;
    });
    return *spec_;
  }

 private:
  std::string name_;
  fs::path file_;
  std::string sha256_;
  std::vector<std::string> secret_fields_;
  bool has_driver_ = false;
  std::string_view document_;
  std::once_flag made_;
  std::optional<ComponentSpec> spec_;
};

void ComponentRegistry::add(const fs::path& file, std::string_view text, Diagnostics& diagnostics) {
  const std::string sha256 = sha256_hex(text);
  std::shared_ptr<Entry> entry;
  if (const CompiledSpec* compiled = find_compiled_spec(sha256)) {
    entry = std::make_shared<Entry>(*compiled, file);
  } else {
    Diagnostics findings(file.string());
    auto document = parse_spec_document(text, findings);
    if (!document)
      return diagnostics.warning("invalid_spec", "Component skipped: " + findings.to_error().message, "", {},
                                 "correct or remove the spec");
    ComponentSpec spec = component_spec_of(std::move(*document));
    spec.file = file;
    spec.sha256 = sha256;
    entry = std::make_shared<Entry>(std::move(spec));
  }
  entries_.try_emplace(entry->name(), entry);
}

ComponentRegistry ComponentRegistry::load(const std::vector<fs::path>& directories, Diagnostics& diagnostics) {
  ComponentRegistry registry;
  for (const fs::path& directory : directories) {
    std::error_code error;
    std::vector<fs::path> folders;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
      folders.push_back(it->path());
    if (const Error reason = errno_error(error.value(), "cannot read the component directory", directory);
        error && is_machine_trouble(reason))
      diagnostics.unreadable("component_directory", reason);
    else if (error)
      diagnostics.warning("component_directory",
                          "Cannot read the component directory " + directory.string() + ": " + error.message(), "", {});
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
      const fs::path file = folder / "spec.yaml";
      const auto text = read_file(file, 4u << 20);
      if (!text.ok()) {  // a folder without a spec is no component
        if (is_machine_trouble(text.error())) diagnostics.unreadable("component_directory", text.error());
        continue;
      }
      registry.add(file, *text, diagnostics);
    }
  }
  return registry;
}

fs::path ComponentRegistry::installed_directory(const fs::path& executable_directory) {
  return installed_data_directory(executable_directory) / "components";
}

const ComponentSpec* ComponentRegistry::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second->spec();
}

std::vector<const ComponentSpec*> ComponentRegistry::all(bool with_hidden) const {
  std::vector<const ComponentSpec*> specs;
  for (const auto& [name, entry] : entries_)
    if (with_hidden || !entry->spec().hidden) specs.push_back(&entry->spec());
  return specs;
}

std::vector<std::string> ComponentRegistry::secret_fields() const {
  std::set<std::string> fields;
  for (const auto& [name, entry] : entries_)
    fields.insert(entry->secret_fields().begin(), entry->secret_fields().end());
  return {fields.begin(), fields.end()};
}

std::vector<std::string> ComponentRegistry::names(bool with_hidden) const {
  std::vector<std::string> names;
  for (const ComponentSpec* spec : all(with_hidden)) names.push_back(spec->name);
  return names;
}

std::string ComponentRegistry::specs_sha256() const {
  std::string lines;
  for (const auto& [name, entry] : entries_)
    if (entry->has_driver()) lines += name + '\0' + entry->sha256() + '\n';
  return sha256_hex(lines);
}

}  // namespace osiris
