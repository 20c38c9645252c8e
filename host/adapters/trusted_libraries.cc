#include "host/adapters/trusted_libraries.h"

#include <sys/stat.h>

#include "host/adapters/discovery.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashCharacters = 64;

fs::path file_of_user(const EnvLookup& env) {
  const auto get = [&](const char* name) { return fs::path(env ? env(name).value_or("") : std::string()); };
  if (const fs::path config = get("XDG_CONFIG_HOME"); config.is_absolute()) return config / "osiris/trusted-adapters";
  const fs::path home = get("HOME");
  return home.is_absolute() ? home / ".config/osiris/trusted-adapters" : fs::path();
}

bool is_hash(std::string_view text) {
  return text.size() == kHashCharacters && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<TrustedLibraries> TrustedLibraries::read(const EnvLookup& env) {
  TrustedLibraries trusted;
  trusted.file_ = file_of_user(env);
  std::error_code ignored;
  if (trusted.file_.empty() || !fs::exists(fs::symlink_status(trusted.file_, ignored))) return trusted;
  OSIRIS_TRY(check_trusted(trusted.file_));
  OSIRIS_ASSIGN(const std::string text, read_file(trusted.file_));
  size_t number = 0;
  for (const std::string& line : split(text, '\n')) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::string hash = line.substr(0, kHashCharacters);
    const bool has_path = line.size() > kHashCharacters + 2 && line.compare(kHashCharacters, 2, "  ") == 0;
    const fs::path path = has_path ? line.substr(kHashCharacters + 2) : "";
    if (!is_hash(hash) || !path.is_absolute())
      return Error(Code::kInvalidArgument,
                   trusted.file_.string() + ":" + std::to_string(number) +
                       ": expected a SHA-256, two blanks and an absolute path",
                   "repair the line, or remove it and trust the library again");
    trusted.recorded_[path] = hash;
  }
  return trusted;
}

Result<TrustedLibraries::Verdict> TrustedLibraries::judge(const fs::path& library) const {
  const auto found = recorded_.find(library);
  if (found == recorded_.end()) return Verdict::kUnknown;
  OSIRIS_ASSIGN(const FileDigest digest, sha256_file(library));
  return digest.sha256 == found->second ? Verdict::kTrusted : Verdict::kChanged;
}

Result<std::string> TrustedLibraries::trust(const fs::path& library) {
  if (library.string().find('\n') != std::string::npos)
    return Error(Code::kInvalidArgument, "a path with a line break cannot be recorded: " + library.string());
  OSIRIS_ASSIGN(const FileDigest digest, sha256_file(library));
  recorded_[library] = digest.sha256;
  OSIRIS_TRY(write());
  return digest.sha256;
}

Result<bool> TrustedLibraries::forget(const fs::path& library) {
  if (recorded_.erase(library) == 0) return false;
  OSIRIS_TRY(write());
  return true;
}

Status TrustedLibraries::write() const {
  if (file_.empty())
    return Error(Code::kUnavailable, "there is no place for your configuration: HOME is not set",
                 "set HOME or XDG_CONFIG_HOME to an absolute path");
  OSIRIS_TRY(make_directories(file_.parent_path()));
  std::string text = "# Libraries of adapters that osiris may load: `osiris adapters trust` writes this file.\n";
  for (const auto& [path, hash] : recorded_) text += hash + "  " + path.string() + "\n";
  return write_file_atomically(file_, text);
}

}  // namespace osiris
