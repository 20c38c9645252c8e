// The libraries that this user has said they know: their paths and SHA-256, one a line as sha256sum writes them, in
// $XDG_CONFIG_HOME/osiris/trusted-adapters, else $HOME/.config/osiris/trusted-adapters. A library that is recorded and
// has changed since is not loaded.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "host/adapters/options.h"
#include "protocol/base/error.h"

namespace osiris {

class TrustedLibraries {
 public:
  // `env`: of the real process; no .env file may choose what is trusted. A file that is not there is an empty record;
  // one that others can write, or that cannot be read as such, is an error: then nothing is known.
  static Result<TrustedLibraries> read(const EnvLookup& env);

  enum class Verdict { kUnknown, kTrusted, kChanged };
  // `library` is canonical. Reads it only if it is recorded.
  Result<Verdict> judge(const std::filesystem::path& library) const;

  // Records what the library is now; returns its SHA-256. Written at once.
  Result<std::string> trust(const std::filesystem::path& library);
  // False where it was not recorded. Written at once.
  Result<bool> forget(const std::filesystem::path& library);

  const std::filesystem::path& file() const { return file_; }

 private:
  Status write() const;

  std::filesystem::path file_;
  std::map<std::filesystem::path, std::string> recorded_;
};

}  // namespace osiris
