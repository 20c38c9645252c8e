#include "protocol/base/replacing_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/random.h"
#include "protocol/base/temporary_name.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

Error refused(const fs::path& target, const std::string& why, const char* hint) {
  return Error(Code::kInvalidArgument, "cannot write the directory " + target.string() + ": " + why, hint,
               category::kWriteFailed);
}

// "data_0.ndjson.gz" and the like: of JSON only by the names that a step gives, for other programs keep settings in it.
bool is_json_of_a_step(std::string_view name) {
  constexpr std::string_view kBegin = "data_";
  if (!name.starts_with(kBegin)) return false;
  name.remove_prefix(kBegin.size());
  const size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  name.remove_prefix(digits);
  for (const std::string_view form : {".json", ".ndjson"})
    for (const std::string_view compressed : {"", ".gz", ".bz2", ".zip", ".xz", ".zst"})
      if (name.size() == form.size() + compressed.size() && name.starts_with(form) && name.ends_with(compressed))
        return true;
  return false;
}

// What of `target` no earlier run of the kind can have left: empty when there is nothing.
std::string unknown_entry(const fs::path& target, std::error_code& code) {
  for (fs::recursive_directory_iterator it(target, code), end; !code && it != end; it.increment(code)) {
    const std::string name = it->path().filename();
    const bool is_own = it->is_symlink(code) ? false
                        : it->is_directory(code)
                            ? name.find('=') != std::string::npos && name.front() != '='
                            : it->is_regular_file(code) && (name.ends_with(".parquet") || is_json_of_a_step(name));
    if (!is_own) return it->path().lexically_relative(target);
  }
  return {};
}

Status check_old(const fs::path& target) {
  std::error_code code;
  const auto type = fs::symlink_status(target, code).type();
  if (type == fs::file_type::not_found) return {};
  constexpr char kHint[] = "give the path of a new directory, or of one that such a step wrote";
  if (type == fs::file_type::symlink) return refused(target, "it is a symbolic link", kHint);
  if (type != fs::file_type::directory) return refused(target, "a file is in its place", kHint);
  const std::string unknown = unknown_entry(target, code);
  if (code) return errno_error(code.value(), "cannot list the directory", target);
  if (unknown.empty()) return {};
  return refused(target, "it would be replaced as a whole, and it holds " + unknown + ", which is none of its files",
                 kHint);
}

fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

// Not a name that a clean-up after a kill takes for what was being written: it holds what was there before.
fs::path old_beside(const fs::path& target) {
  return target.parent_path() / (".osiris-old-" + to_hex(random_bytes(8)));
}

}  // namespace

ReplacingDirectory::ReplacingDirectory(const fs::path& target) : target_(without_slash(target)) {}

ReplacingDirectory::~ReplacingDirectory() {
  if (staging_.empty()) return;
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  parents_.remove();
}

Status ReplacingDirectory::open(bool create_dirs) {
  OSIRIS_TRY(check_target());
  OSIRIS_TRY(parents_.make(target_.parent_path(), create_dirs));
  fs::path name = temporary_beside(target_);
  while (::mkdir(name.c_str(), 0777) != 0) {
    if (errno != EEXIST) {
      const Error error = errno_error(errno, "cannot write", target_);
      parents_.remove();
      return error;
    }
    name = temporary_beside(target_);
  }
  staging_ = name;
  return {};
}

Status ReplacingDirectory::check_target() const { return check_old(target_); }

Status ReplacingDirectory::commit() {
  OSIRIS_TRY(check_target());
  std::error_code ignored;
  if (!fs::exists(target_, ignored)) {
    if (::rename(staging_.c_str(), target_.c_str()) != 0) return errno_error(errno, "cannot put in place", target_);
    staging_.clear();
    return {};
  }
  if (::renameat2(AT_FDCWD, staging_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(staging_, ignored);
    staging_.clear();
    return {};
  }
  if (errno != EINVAL && errno != ENOSYS) return errno_error(errno, "cannot put in place", target_);
  // A file system that cannot exchange two names: for a moment there is none.
  const fs::path old = old_beside(target_);
  if (::rename(target_.c_str(), old.c_str()) != 0) return errno_error(errno, "cannot put in place", target_);
  if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    const Error error = errno_error(errno, "cannot put in place", target_);
    (void)::rename(old.c_str(), target_.c_str());
    return error;
  }
  staging_.clear();
  fs::remove_all(old, ignored);
  return {};
}

Status check_replaceable(const fs::path& target, bool create_dirs) {
  OSIRIS_TRY(check_old(without_slash(target)));
  return check_parents(without_slash(target).parent_path(), create_dirs);
}

}  // namespace osiris
