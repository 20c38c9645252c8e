#include "protocol/base/file_pattern.h"

#include <fnmatch.h>

#include <algorithm>

#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr char kAnyDepth[] = "**";

bool matches_name(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD | FNM_NOESCAPE) == 0;
}

std::vector<std::string> parts_of(const fs::path& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : path.relative_path())
    if (!part.empty()) parts.push_back(part.native());
  return parts;
}

class Finder {
 public:
  explicit Finder(std::vector<std::string> parts) : parts_(std::move(parts)) {}

  Status look(const fs::path& directory, size_t at) {
    if (at == parts_.size()) return {};
    const bool is_last = at + 1 == parts_.size();
    const std::string& part = parts_[at];
    if (part == kAnyDepth && !is_last) {
      OSIRIS_TRY(look(directory, at + 1));
      OSIRIS_ASSIGN(const std::vector<fs::directory_entry> entries, list(directory));
      std::error_code ignored;
      for (const fs::directory_entry& entry : entries)
        if (!entry.path().filename().native().starts_with('.') && entry.is_directory(ignored) &&
            !entry.is_symlink(ignored))
          OSIRIS_TRY(look(entry.path(), at));
      return {};
    }
    if (!is_file_pattern(part)) return take(directory / part, at, is_last);
    OSIRIS_ASSIGN(const std::vector<fs::directory_entry> entries, list(directory));
    for (const fs::directory_entry& entry : entries)
      if (matches_name(part, entry.path().filename().native())) OSIRIS_TRY(take(entry.path(), at, is_last));
    return {};
  }

  std::vector<fs::path> take_found() {
    std::sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  Status take(const fs::path& path, size_t at, bool is_last) {
    if (!is_last) return look(path, at + 1);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) return {};
    if (found_.size() == kMatchesMax)
      return Error(Code::kInvalidArgument, "the pattern finds more than " + std::to_string(kMatchesMax) + " files",
                   "narrow it");
    found_.push_back(path);
    return {};
  }

  // Nothing of what is no directory.
  static Result<std::vector<fs::directory_entry>> list(const fs::path& directory) {
    std::vector<fs::directory_entry> entries;
    std::error_code code;
    if (!fs::is_directory(directory, code)) return entries;
    fs::directory_iterator it(directory, code);
    for (const fs::directory_iterator end; !code && it != end; it.increment(code)) entries.push_back(*it);
    if (code) return errno_error(code.value(), "cannot list the directory", directory);
    return entries;
  }

  const std::vector<std::string> parts_;
  std::vector<fs::path> found_;
};

bool matches_from(const std::vector<std::string>& pattern, size_t at, const std::vector<std::string>& path,
                  size_t from) {
  if (at == pattern.size()) return from == path.size();
  if (pattern[at] == kAnyDepth && at + 1 < pattern.size()) {
    for (; from < path.size(); ++from) {
      if (matches_from(pattern, at + 1, path, from)) return true;
      if (path[from].starts_with('.')) return false;
    }
    return false;
  }
  return from < path.size() && (pattern[at] == path[from] || matches_name(pattern[at], path[from])) &&
         matches_from(pattern, at + 1, path, from + 1);
}

}  // namespace

fs::path fixed_directory(const fs::path& pattern) {
  fs::path directory;
  for (const fs::path& part : pattern) {
    if (is_file_pattern(part.native())) break;
    directory /= part;
  }
  return directory;
}

Result<std::vector<fs::path>> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code code;
  if (!fs::is_directory(directory, code)) return files;
  for (fs::recursive_directory_iterator it(directory, code), end; it != end && !code; it.increment(code))
    if (it->is_regular_file() && !it->is_symlink()) files.push_back(it->path());
  if (code) return errno_error(code.value(), "cannot list", directory);
  std::sort(files.begin(), files.end());
  return files;
}

bool is_file_pattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

bool matches_file_pattern(const fs::path& pattern, const fs::path& path) {
  return matches_from(parts_of(pattern), 0, parts_of(path), 0);
}

Result<std::vector<fs::path>> find_files(const fs::path& pattern) {
  Finder finder(parts_of(pattern.lexically_normal()));
  OSIRIS_TRY(finder.look(pattern.root_path(), 0));
  return finder.take_found();
}

std::string spelled_as(const fs::path& found, std::string_view pattern, const fs::path& absolute) {
  return (fixed_directory(pattern) / found.lexically_relative(fixed_directory(absolute))).native();
}

}  // namespace osiris
