#include "host/project/environment.h"

#include <unistd.h>

#include <algorithm>

#include "host/compat/dotenv.h"
#include "host/project/file_trust.h"
#include "protocol/base/file.h"

namespace osiris {
namespace fs = std::filesystem;

Environment Environment::of_process() {
  Environment environment;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view pair = *entry;
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      environment.set(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
  }
  return environment;
}

std::optional<std::string> Environment::get(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Environment::get_filled(std::string_view name) const {
  auto value = get(name);
  return value && value->empty() ? std::nullopt : value;
}

std::string Environment::file_of(std::string_view name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? "" : found->second.string();
}

Environment::DotenvReport Environment::load_dotenv_files(const fs::path& cwd) {
  DotenvReport report;
  for (const fs::path& file : dotenv_candidates(cwd, get_filled("OSIRIS_HOME"))) {
    if (std::find(report.files.begin(), report.files.end(), file) != report.files.end()) continue;
    std::error_code unseen;
    if (fs::exists(file, unseen)) {
      if (const Status trusted = check_writers(file, ".env file"); !trusted.ok()) {
        if (!report.refused) report.refused = trusted.error();
        continue;
      }
    }
    const auto text = read_file(file, 1u << 20);
    if (!text.ok()) {
      if (text.error().code != Code::kNotFound) report.warnings.push_back(text.error().message);
      continue;
    }
    report.files.push_back(file);
    const Dotenv dotenv = parse_dotenv(*text, [this](std::string_view name) { return get(name); });
    for (const int line : dotenv.unreadable_lines)
      report.warnings.push_back(file.string() + ":" + std::to_string(line) + ": not a NAME=VALUE line; it is skipped");
    std::map<std::string, std::string> values;
    for (const DotenvEntry& entry : dotenv.entries)
      if (entry.value) values[entry.name] = *entry.value;
    for (auto& [name, value] : values)
      if (!get(name)) {
        files_[name] = file;
        set(name, std::move(value));
      }
  }
  return report;
}

}  // namespace osiris
