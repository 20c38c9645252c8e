// The agent's file operations. Contents never pass through the agent: it opens, and hands the descriptor out.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

std::string reason() { return std::strerror(errno); }

void give_to(const AgentConfig& config, const Account& account, const std::string& path) {
  // An agent that cannot switch users already owns what it makes.
  if (config.can_switch_user && ::lchown(path.c_str(), account.uid, account.gid) != 0) errno = 0;
}

// mkdir -p; new directories belong to the account. Empty: done; otherwise the Connect code of the failure.
std::string make_parents(const AgentConfig& config, const Account& account, const std::string& path) {
  for (size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (at != std::string::npos) ++at;
    if (::mkdir(part.c_str(), 0755) == 0) {
      give_to(config, account, part);
      continue;
    }
    struct stat info{};
    if (::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) continue;
    return errno == ENOSPC ? "resource_exhausted" : "invalid_argument";
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

Reply open_to_read(const AgentConfig& config, const std::string& path) {
  const std::string shown = shown_path(config, path);
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR))
    return Reply::failure("not_found", "path '" + shown + "' does not exist");
  struct stat info{};
  if (!file.is_open() || ::fstat(file.get(), &info) != 0)
    return Reply::failure("internal", "opening '" + shown + "': " + reason());
  if (S_ISDIR(info.st_mode)) return Reply::failure("invalid_argument", "path '" + shown + "' is a directory");
  if (!S_ISREG(info.st_mode)) return Reply::failure("invalid_argument", "path '" + shown + "' is not a regular file");
  Reply reply;
  reply.ok = Json::object({{"path", shown}, {"size", info.st_size}, {"modified_s", info.st_mtim.tv_sec}});
  reply.fds.push_back(std::move(file));
  return reply;
}

Reply open_to_write(const AgentConfig& config, const Account& account, const std::string& path, const Json& seen) {
  const std::string shown = shown_path(config, path);
  for (const Json& earlier : seen.items())
    if (earlier.as_string() == shown) return Reply::failure("invalid_argument", "path '" + shown + "' is given twice");
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return Reply::failure("invalid_argument", "path '" + shown + "' is a directory");
  const std::string code = make_parents(config, account, parent_of(path));
  if (!code.empty()) return Reply::failure(code, "creating the directory of '" + shown + "': " + reason());
  ::umask(022);
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!file.is_open())
    return Reply::failure(errno == ENOSPC ? "resource_exhausted" : "internal", "opening '" + shown + "': " + reason());
  Reply reply;
  reply.ok = Json::object({{"path", shown}});
  reply.fds.push_back(std::move(file));
  return reply;
}

// After the bytes: owner and metadata, so that watchers see create, write, chmod in this order. An upload without
// metadata clears what an earlier one stored; the answer says what is on the disk.
Reply finish_write(const AgentConfig& config, const Account& account, const std::string& path, const Json& metadata) {
  give_to(config, account, path);
  if (const std::string code = replace_metadata(path, metadata); !code.empty())
    return Reply::failure(code, "error writing file metadata: " + reason());
  Reply reply;
  reply.ok =
      Json::object({{"path", shown_path(config, path)}, {"name", path.substr(path.rfind('/') + 1)}, {"type", "file"}});
  if (Json stored = metadata_of(path); stored.size() > 0) reply.ok.set("metadata", std::move(stored));
  return reply;
}

Reply stat_one(const AgentConfig& config, const std::string& path) {
  auto entry = entry_info(config, path);
  if (!entry && (errno == ENOENT || errno == ENOTDIR))
    return Reply::failure("not_found",
                          "file not found: lstat " + shown_path(config, path) + ": no such file or directory");
  if (!entry) return Reply::failure("internal", "stat of '" + shown_path(config, path) + "': " + reason());
  Reply reply;
  reply.ok = Json::object({{"entry", *std::move(entry)}});
  return reply;
}

void list_below(const AgentConfig& config, const std::string& path, int64_t depth, Json& entries) {
  DIR* directory = ::opendir(path.c_str());
  if (!directory) return;
  std::vector<std::string> names;
  while (const dirent* item = ::readdir(directory))
    if (std::string_view(item->d_name) != "." && std::string_view(item->d_name) != "..")
      names.emplace_back(item->d_name);
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string full = path == "/" ? "/" + name : path + "/" + name;
    auto entry = entry_info(config, full);
    if (!entry) continue;  // removed meanwhile
    const bool descend =
        depth > 1 && !entry->contains("symlinkTarget") && (*entry)["type"].as_string() == "FILE_TYPE_DIRECTORY";
    entries.push_back(*std::move(entry));
    if (descend) list_below(config, full, depth - 1, entries);
  }
}

Reply list(const AgentConfig& config, const std::string& path, int64_t depth) {
  struct stat info{};
  const std::string shown = shown_path(config, path);
  if (::stat(path.c_str(), &info) != 0)
    return Reply::failure(errno == ELOOP ? "failed_precondition" : "not_found",
                          "directory not found: " + shown + ": " + reason());
  if (!S_ISDIR(info.st_mode)) return Reply::failure("invalid_argument", "path is not a directory: " + shown);
  Json entries = Json::array();
  list_below(config, path, std::max<int64_t>(depth, 1), entries);
  Reply reply;
  if (entries.size() > 0) reply.ok.set("entries", std::move(entries));
  return reply;
}

Reply make_directory(const AgentConfig& config, const Account& account, const std::string& path) {
  const std::string shown = shown_path(config, path);
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Reply::failure("already_exists", "directory already exists: " + shown);
    return Reply::failure("invalid_argument", "path already exists but it is not a directory: " + shown);
  }
  const std::string code = make_parents(config, account, path);
  if (!code.empty()) return Reply::failure(code, "creating '" + shown + "': " + reason());
  return stat_one(config, path);
}

Reply move(const AgentConfig& config, const Account& account, const std::string& from, const std::string& to) {
  struct stat info{};
  if (::lstat(from.c_str(), &info) != 0)
    return Reply::failure("not_found", "source file not found: " + shown_path(config, from));
  const std::string code = make_parents(config, account, parent_of(to));
  if (!code.empty())
    return Reply::failure(code, "creating the directory of '" + shown_path(config, to) + "': " + reason());
  if (::rename(from.c_str(), to.c_str()) != 0)
    return Reply::failure("internal", "moving '" + shown_path(config, from) + "': " + reason());
  return stat_one(config, to);
}

// Appends `source` to the open file. Empty: done; otherwise the Connect code.
std::string append_file(const std::string& source, int out, bool& is_regular) {
  const FileDescriptor in(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  if (!in.is_open() || ::fstat(in.get(), &info) != 0) return errno == ENOENT ? "not_found" : "internal";
  is_regular = S_ISREG(info.st_mode);
  if (!is_regular) return "invalid_argument";
  char block[65536];
  ssize_t count;
  while ((count = ::read(in.get(), block, sizeof block)) > 0)
    for (ssize_t at = 0; at < count;) {
      const ssize_t written = ::write(out, block + at, static_cast<size_t>(count - at));
      if (written < 0) return errno == ENOSPC ? "resource_exhausted" : "internal";
      at += written;
    }
  return count < 0 ? "internal" : "";
}

Reply compose(const AgentConfig& config, const Account& account, const Json& request) {
  const std::string target = resolve_path(config, account, request["destination"].as_string());
  std::vector<std::string> sources;
  for (const Json& source : request["source_paths"].items())
    sources.push_back(resolve_path(config, account, source.as_string()));
  if (std::find(sources.begin(), sources.end(), target) != sources.end())
    return Reply::failure("invalid_argument", "a source equals the destination '" + shown_path(config, target) + "'");
  for (const std::string& source : sources) {
    struct stat info{};
    if (::stat(source.c_str(), &info) != 0)
      return Reply::failure("not_found", "source '" + shown_path(config, source) + "' does not exist");
    if (!S_ISREG(info.st_mode))
      return Reply::failure("invalid_argument", "source '" + shown_path(config, source) + "' is not a regular file");
  }
  const std::string code = make_parents(config, account, parent_of(target));
  if (!code.empty())
    return Reply::failure(code, "creating the directory of '" + shown_path(config, target) + "': " + reason());
  std::string temporary = target + ".compose-XXXXXX";
  FileDescriptor out(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!out.is_open()) return Reply::failure("internal", "creating '" + temporary + "': " + reason());
  for (const std::string& source : sources) {
    bool is_regular = true;
    const std::string failed = append_file(source, out.get(), is_regular);
    if (failed.empty()) continue;
    const std::string why = reason();
    ::unlink(temporary.c_str());
    return Reply::failure(failed, "composing '" + shown_path(config, source) + "': " + why);
  }
  ::fchmod(out.get(), 0644);
  give_to(config, account, temporary);
  if (::rename(temporary.c_str(), target.c_str()) != 0) {
    const std::string why = reason();
    ::unlink(temporary.c_str());
    return Reply::failure("internal", "renaming to '" + shown_path(config, target) + "': " + why);
  }
  for (const std::string& source : sources) ::unlink(source.c_str());
  return finish_write(config, account, target, Json::object());
}

}  // namespace

Reply file_operation(const AgentConfig& config, const std::string& op, const Json& request) {
  const auto account = find_account(config, request["user"].as_string());
  if (!account) return unknown_account(request["user"].as_string());
  if (op == "account") return {};
  const std::string path = resolve_path(config, *account, request["path"].as_string());
  if (op == "open_read") return open_to_read(config, path);
  if (op == "open_write") return open_to_write(config, *account, path, request["seen"]);
  if (op == "finish_write") return finish_write(config, *account, path, request["metadata"]);
  if (op == "stat") return stat_one(config, path);
  if (op == "list") return list(config, path, request["depth"].as_int());
  if (op == "mkdir") return make_directory(config, *account, path);
  if (op == "compose") return compose(config, *account, request);
  if (op == "move")
    return move(config, *account, path, resolve_path(config, *account, request["destination"].as_string()));
  if (op == "remove") {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error && error != std::errc::no_such_file_or_directory)
      return Reply::failure("internal", "removing '" + shown_path(config, path) + "': " + error.message());
    return {};
  }
  if (op == "disk") {
    struct statvfs info{};
    ::statvfs(path.c_str(), &info);
    Reply reply;
    reply.ok = Json::object({{"total", uint64_t{info.f_blocks} * info.f_frsize},
                             {"used", uint64_t{info.f_blocks - info.f_bfree} * info.f_frsize}});
    return reply;
  }
  return Reply::failure("unimplemented", "unknown operation '" + op + "'");
}

}  // namespace osiris::e2b_server
