// The variables a command sees: the process environment, completed by .env files. A value, so tests make their own.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> variables) : variables_(std::move(variables)) {}
  static Environment of_process();

  // nullopt when unset. An empty value counts as set here.
  std::optional<std::string> get(std::string_view name) const;
  // nullopt when unset or empty: the rule of ${VAR} in connection files.
  std::optional<std::string> get_filled(std::string_view name) const;
  void set(std::string name, std::string value) { variables_[std::move(name)] = std::move(value); }
  // The .env file that brought a variable in; empty: none did.
  std::string file_of(std::string_view name) const;
  const std::map<std::string, std::string, std::less<>>& all() const { return variables_; }

  // Loads the .env files of dotenv_candidates() (host/compat/dotenv.h). Never overrides a variable that is set. A line
  // that cannot be read is skipped with a warning, as python-dotenv does. A file that another user could have written
  // is not read (file_trust.h): it could send keys and passwords elsewhere.
  struct DotenvReport {
    std::vector<std::filesystem::path> files;  // those read, in order
    std::vector<std::string> warnings;
    std::optional<Error> refused;  // the first file that was not read for its owner or its mode
  };
  DotenvReport load_dotenv_files(const std::filesystem::path& cwd);

 private:
  std::map<std::string, std::string, std::less<>> variables_;
  std::map<std::string, std::filesystem::path, std::less<>> files_;  // of those that .env files brought
};

}  // namespace osiris
