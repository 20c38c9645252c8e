#include "servers/e2b/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <string>
#include <vector>

#include "protocol/base/file.h"
#include "servers/e2b/agent/message.h"
#include "servers/e2b/sandbox_init.h"

namespace osiris::e2b_server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "user:x:1000:1000:user:/home/user:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
constexpr const char* kGroup = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nstaff:x:50:\nuser:x:1000:\nnogroup:x:65534:\n";
// As Debian's: a login shell sets PATH anew.
constexpr const char* kProfile =
    "if [ \"$(id -u)\" -eq 0 ]; then\n"
    "  PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n"
    "else\n"
    "  PATH=\"/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games\"\n"
    "fi\nexport PATH\n";
constexpr const char* kHosts = "127.0.0.1 localhost e2b.local\n::1 localhost ip6-localhost\n";
constexpr const char* kNsswitch =
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n";
// Mount points for what sandbox_init.cc shows of the machine.
constexpr const char* kEtcDirectories[] = {"alternatives", "ssl",        "ca-certificates", "ld.so.conf.d",
                                           "python3",      "python3.11", "profile.d"};
constexpr const char* kEtcFiles[] = {"ld.so.cache", "ld.so.conf", "resolv.conf", "mime.types", "services", "protocols"};

Error failure(const char* what, const fs::path& path) { return errno_error(errno, what, path); }

Status change_owner(const fs::path& path, unsigned id_base, unsigned id) {
  if (id_base != 0 && ::lchown(path.c_str(), id_base + id, id_base + id) != 0) return failure("giving away", path);
  return {};
}

struct LayerBuilder {
  fs::path root;
  unsigned id_base;

  Status directory(const std::string& path, mode_t mode, unsigned id = 0) const {
    const fs::path full = root / path;
    if (::mkdir(full.c_str(), 0755) != 0 || ::chmod(full.c_str(), mode) != 0) return failure("creating", full);
    return change_owner(full, id_base, id);
  }
  Status file(const std::string& path, std::string_view text, unsigned id = 0) const {
    const fs::path full = root / path;
    OSIRIS_TRY(write_file_atomically(full, text));
    return change_owner(full, id_base, id);
  }
};

Status fill_etc(const LayerBuilder& base) {
  OSIRIS_TRY(base.directory("etc", 0755));
  for (const char* name : kEtcDirectories) OSIRIS_TRY(base.directory(std::string("etc/") + name, 0755));
  for (const char* name : kEtcFiles) OSIRIS_TRY(base.file(std::string("etc/") + name, ""));
  OSIRIS_TRY(base.file("etc/passwd", kPasswd));
  OSIRIS_TRY(base.file("etc/group", kGroup));
  OSIRIS_TRY(base.file("etc/profile", kProfile));
  OSIRIS_TRY(base.file("etc/hosts", kHosts));
  OSIRIS_TRY(base.file("etc/hostname", "e2b.local\n"));
  OSIRIS_TRY(base.file("etc/nsswitch.conf", kNsswitch));
  return base.file(
      "etc/os-release",
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n");
}

// /bin and its like: links into /usr where the machine has links, mount points where it has directories.
Status link_programs(const LayerBuilder& base) {
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
    const fs::path host = fs::path("/") / name;
    std::error_code error;
    if (fs::is_symlink(host, error)) {
      const fs::path full = base.root / name;
      if (::symlink(fs::read_symlink(host, error).c_str(), full.c_str()) != 0) return failure("linking", full);
      OSIRIS_TRY(change_owner(full, base.id_base, 0));
    } else if (fs::is_directory(host, error)) {
      OSIRIS_TRY(base.directory(name, 0755));
    }
  }
  return {};
}

Status copy_bytes(int from, int to, uint64_t size, const fs::path& path) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  while (size > 0) {
    const ssize_t count = ::copy_file_range(from, nullptr, to, nullptr, size, 0);
    if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) break;
    if (count < 0) return failure("copying", path);
    if (count == 0) return {};
    size -= static_cast<uint64_t>(count);
  }
  char block[65536];
  for (ssize_t count; size > 0 && (count = ::read(from, block, sizeof block)) != 0;) {
    if (count < 0 || ::write(to, block, static_cast<size_t>(count)) != count) return failure("copying", path);
    size -= static_cast<uint64_t>(count);
  }
  return {};
}

void copy_attributes(int from, int to) {
  char names[4096];
  const ssize_t size = ::flistxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < size;) {
    const std::string name(names + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    char value[4096];
    const ssize_t length = name.starts_with("user.") ? ::fgetxattr(from, name.c_str(), value, sizeof value) : -1;
    if (length >= 0 && ::fsetxattr(to, name.c_str(), value, static_cast<size_t>(length), 0) != 0) errno = 0;
  }
}

Status copy_directory(int from, int to, const fs::path& path);

Status copy_one(int from_dir, int to_dir, const char* name, const fs::path& path) {
  struct stat info{};
  if (::fstatat(from_dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return failure("reading", path);
  if (S_ISLNK(info.st_mode)) {
    std::string target(static_cast<size_t>(info.st_size) + 1, '\0');
    const ssize_t length = ::readlinkat(from_dir, name, target.data(), target.size());
    if (length < 0) return failure("reading the link", path);
    target.resize(static_cast<size_t>(length));
    if (::symlinkat(target.c_str(), to_dir, name) != 0) return failure("linking", path);
  } else if (S_ISREG(info.st_mode)) {
    const FileDescriptor in(::openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    const FileDescriptor out(::openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!in.is_open() || !out.is_open()) return failure("opening", path);
    OSIRIS_TRY(copy_bytes(in.get(), out.get(), static_cast<uint64_t>(info.st_size), path));
    copy_attributes(in.get(), out.get());
  } else if (S_ISDIR(info.st_mode)) {
    if (::mkdirat(to_dir, name, 0700) != 0) return failure("creating", path);
    const FileDescriptor in(::openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    const FileDescriptor out(::openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!in.is_open() || !out.is_open()) return failure("opening", path);
    OSIRIS_TRY(copy_directory(in.get(), out.get(), path));
  } else {
    return {};
  }
  if (::geteuid() == 0 && ::fchownat(to_dir, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return failure("giving away", path);
  if (!S_ISLNK(info.st_mode) && ::fchmodat(to_dir, name, info.st_mode & 07777, 0) != 0)
    return failure("setting the mode of", path);
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) != 0) return failure("setting the time of", path);
  return {};
}

Status copy_directory(int from, int to, const fs::path& path) {
  DIR* directory = ::fdopendir(::fcntl(from, F_DUPFD_CLOEXEC, 0));
  if (!directory) return failure("listing", path);
  Status status;
  while (const dirent* item = ::readdir(directory)) {
    const std::string_view name = item->d_name;
    if (name == "." || name == "..") continue;
    status = copy_one(from, to, item->d_name, path / name);
    if (!status.ok()) break;
  }
  ::closedir(directory);
  return status;
}

void open_up(const fs::path& directory) {
  DIR* entries = ::opendir(directory.c_str());
  if (!entries) return;
  while (const dirent* item = ::readdir(entries)) {
    const std::string_view name = item->d_name;
    if (item->d_type != DT_DIR || name == "." || name == "..") continue;
    const fs::path path = directory / name;
    ::chmod(path.c_str(), 0700);
    open_up(path);
  }
  ::closedir(entries);
}

}  // namespace

Status make_base_layer(const fs::path& layer, unsigned id_base) {
  OSIRIS_TRY(make_directories(layer));
  const LayerBuilder base{layer / "root", id_base};
  if (::mkdir(base.root.c_str(), 0755) != 0) return failure("creating", base.root);
  OSIRIS_TRY(change_owner(base.root, id_base, 0));
  for (const char* name : {"dev", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr", "var", "var/cache",
                           "var/lib", "var/log"})
    OSIRIS_TRY(base.directory(name, 0755));
  OSIRIS_TRY(base.directory("root", 0700));
  OSIRIS_TRY(base.directory("home/user", 0755, kUserId));
  for (const char* name : {"tmp", "var/tmp"}) OSIRIS_TRY(base.directory(name, 01777));
  OSIRIS_TRY(fill_etc(base));
  OSIRIS_TRY(link_programs(base));
  const LayerBuilder local{layer / "usr-local", id_base};
  if (::mkdir(local.root.c_str(), 0755) != 0) return failure("creating", local.root);
  OSIRIS_TRY(change_owner(local.root, id_base, 0));
  for (const char* name : {"bin", "etc", "include", "lib", "sbin", "share", "src"})
    OSIRIS_TRY(local.directory(name, 0755));
  return {};
}

Status copy_layer(const fs::path& from, const fs::path& to) {
  OSIRIS_TRY(make_directories(to.parent_path()));
  if (::mkdir(to.c_str(), 0755) != 0) return failure("creating", to);
  const FileDescriptor source(::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const FileDescriptor target(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!source.is_open() || !target.is_open()) return failure("opening", from);
  return copy_directory(source.get(), target.get(), from);
}

Status remove_layer(const fs::path& layer) {
  std::error_code error;
  fs::remove_all(layer, error);
  if (!error) return {};
  open_up(layer);
  fs::remove_all(layer, error);
  if (error) return Error(Code::kInternal, "removing " + layer.string() + ": " + error.message());
  return {};
}

uint64_t layer_size_bytes(const fs::path& layer) {
  uint64_t total = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(layer, fs::directory_options::skip_permission_denied, error), end; at != end;
       at.increment(error)) {
    if (error) break;
    std::error_code ignored;
    if (at->is_regular_file(ignored) && !at->is_symlink(ignored)) total += at->file_size(ignored);
  }
  return total;
}

}  // namespace osiris::e2b_server
