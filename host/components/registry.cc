#include "host/components/registry.h"

#include <algorithm>

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
      Diagnostics findings(file.string());
      auto spec = parse_component_spec(*text, file, findings);
      if (!spec) {
        diagnostics.warning("invalid_spec", "Component skipped: " + findings.to_error().message, "", {},
                            "correct or remove the spec");
        continue;
      }
      const std::string name = spec->name;
      registry.specs_.try_emplace(name, std::make_shared<const ComponentSpec>(std::move(*spec)));
    }
  }
  return registry;
}

fs::path ComponentRegistry::installed_directory(const fs::path& executable_directory) {
  return installed_data_directory(executable_directory) / "components";
}

const ComponentSpec* ComponentRegistry::find(std::string_view name) const {
  const auto found = specs_.find(name);
  return found == specs_.end() ? nullptr : found->second.get();
}

std::vector<const ComponentSpec*> ComponentRegistry::all(bool with_hidden) const {
  std::vector<const ComponentSpec*> specs;
  for (const auto& [name, spec] : specs_)
    if (with_hidden || !spec->hidden) specs.push_back(spec.get());
  return specs;
}

std::vector<std::string> ComponentRegistry::names(bool with_hidden) const {
  std::vector<std::string> names;
  for (const ComponentSpec* spec : all(with_hidden)) names.push_back(spec->name);
  return names;
}

std::string ComponentRegistry::specs_sha256() const {
  std::string lines;
  for (const ComponentSpec* spec : all(true))
    if (!spec->driver.empty()) lines += spec->name + '\0' + spec->sha256 + '\n';
  return sha256_hex(lines);
}

}  // namespace osiris
