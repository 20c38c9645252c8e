// EntryInfo (e2b-protocol 5.6): lstat for most of it, the link's target for mode and type, Go's text for permissions.
#include <grp.h>
#include <limits.h>
#include <linux/limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <fstream>

#include "protocol/base/clock.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

const char* type_of(mode_t mode) {
  if (S_ISREG(mode)) return "FILE_TYPE_FILE";
  if (S_ISDIR(mode)) return "FILE_TYPE_DIRECTORY";
  return "FILE_TYPE_UNSPECIFIED";
}

// As Go's os.FileMode prints itself: "-rw-r--r--", "dtrwxrwxrwx" for /tmp, "Dcrw-rw-rw-" for a terminal.
std::string go_permissions(mode_t mode) {
  std::string text;
  if (S_ISDIR(mode)) text += 'd';
  if (S_ISLNK(mode)) text += 'L';
  if (S_ISBLK(mode) || S_ISCHR(mode)) text += 'D';
  if (S_ISFIFO(mode)) text += 'p';
  if (S_ISSOCK(mode)) text += 'S';
  if (mode & S_ISUID) text += 'u';
  if (mode & S_ISGID) text += 'g';
  if (S_ISCHR(mode)) text += 'c';
  if (mode & S_ISVTX) text += 't';
  if (text.empty()) text += '-';
  const char letters[] = "rwxrwxrwx";
  for (int bit = 0; bit < 9; ++bit) text += (mode & (0400u >> bit)) ? letters[bit] : '-';
  return text;
}

// The name with this id in the sandbox's passwd or group file; the number when there is none.
std::string name_of(const std::string& file, unsigned id) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = split(line, ':');
    if (columns.size() >= 3 && columns[2] == std::to_string(id)) return columns[0];
  }
  return std::to_string(id);
}

constexpr std::string_view kMetadataPrefix = "user.e2b.";

// None also where the file system has no attributes.
std::vector<std::string> metadata_keys(const std::string& path) {
  std::string names(XATTR_LIST_MAX, '\0');
  const ssize_t size = ::listxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> keys;
  for (ssize_t at = 0; at < size;) {
    const std::string name(names.c_str() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (name.starts_with(kMetadataPrefix)) keys.push_back(name.substr(kMetadataPrefix.size()));
  }
  return keys;
}

}  // namespace

// Programs inside may store anything: what is no text cannot be shown in JSON and is left out.
Json metadata_of(const std::string& path) {
  Json metadata = Json::object();
  for (const std::string& key : metadata_keys(path)) {
    char value[4096];
    const ssize_t length = ::getxattr(path.c_str(), (std::string(kMetadataPrefix) + key).c_str(), value, sizeof value);
    if (length < 0) continue;
    const std::string text(value, static_cast<size_t>(length));
    if (is_valid_utf8(key) && is_valid_utf8(text)) metadata.set(key, text);
  }
  return metadata;
}

std::string replace_metadata(const std::string& path, const Json& metadata) {
  const auto failure = [] { return errno == ENOSPC || errno == EDQUOT ? "resource_exhausted" : "internal"; };
  for (const std::string& key : metadata_keys(path))
    if (!metadata.contains(key) && ::removexattr(path.c_str(), (std::string(kMetadataPrefix) + key).c_str()) != 0 &&
        errno != ENODATA)
      return failure();
  for (const auto& [key, value] : metadata.members()) {
    const std::string& text = value.as_string();
    if (::setxattr(path.c_str(), (std::string(kMetadataPrefix) + key).c_str(), text.data(), text.size(), 0) == 0)
      continue;
    return errno == ENOTSUP ? "" : failure();
  }
  return {};
}

std::optional<Json> entry_info(const AgentConfig& config, const std::string& path) {
  struct stat link{};
  if (::lstat(path.c_str(), &link) != 0) return std::nullopt;
  struct stat target = link;
  const bool is_link = S_ISLNK(link.st_mode);
  const bool resolves = !is_link || ::stat(path.c_str(), &target) == 0;

  const size_t slash = path.rfind('/');
  Json entry = Json::object({{"name", path == "/" ? "/" : path.substr(slash + 1)}});
  entry.set("type", resolves ? type_of(target.st_mode) : "FILE_TYPE_UNSPECIFIED");
  entry.set("path", shown_path(config, path));
  if (link.st_size != 0) entry.set("size", std::to_string(link.st_size));
  if ((target.st_mode & 0777) != 0) entry.set("mode", target.st_mode & 0777);
  entry.set("permissions", go_permissions(link.st_mode));
  entry.set("owner", name_of(config.prefix + "/etc/passwd", link.st_uid));
  entry.set("group", name_of(config.prefix + "/etc/group", link.st_gid));
  const int64_t modified_ns = int64_t{link.st_mtim.tv_sec} * 1'000'000'000 + link.st_mtim.tv_nsec;
  entry.set("modifiedTime", format_iso8601_micros(modified_ns, true));
  char resolved[PATH_MAX];
  if (is_link && ::realpath(path.c_str(), resolved)) entry.set("symlinkTarget", shown_path(config, resolved));
  Json metadata = metadata_of(path);
  if (metadata.size() > 0) entry.set("metadata", std::move(metadata));
  return entry;
}

}  // namespace osiris::e2b_server
