// WatchDir: a child process of the agent that turns inotify into one JSON line per event. It ends when the reader goes
// away. Names are relative to the watched directory; directories made later are watched too when asked to.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_MODIFY | IN_DELETE | IN_ONLYDIR;

class Watch {
 public:
  Watch(const AgentConfig& config, std::string root, bool recursive, bool with_entry, int inotify, int out)
      : config_(config),
        root_(std::move(root)),
        recursive_(recursive),
        with_entry_(with_entry),
        inotify_(inotify),
        out_(out) {}

  void add(const std::string& relative) {
    const std::string path = relative.empty() ? root_ : root_ + "/" + relative;
    const int watch = ::inotify_add_watch(inotify_, path.c_str(), kMask);
    if (watch < 0) return;
    names_[watch] = relative;
    if (!recursive_) return;
    DIR* directory = ::opendir(path.c_str());
    if (!directory) return;
    while (const dirent* item = ::readdir(directory)) {
      const std::string name = item->d_name;
      if (name != "." && name != ".." && item->d_type == DT_DIR) add(relative.empty() ? name : relative + "/" + name);
    }
    ::closedir(directory);
  }

  void run() {
    alignas(inotify_event) char buffer[65536];
    while (true) {
      pollfd polls[2] = {{inotify_, POLLIN, 0}, {out_, 0, 0}};
      if (::poll(polls, 2, -1) < 0 && errno != EINTR) return;
      if (polls[1].revents & (POLLERR | POLLHUP)) return;
      if (!(polls[0].revents & POLLIN)) continue;
      const ssize_t count = ::read(inotify_, buffer, sizeof buffer);
      for (ssize_t at = 0; at < count;) {
        inotify_event event;
        std::memcpy(&event, buffer + at, sizeof event);
        const char* name = buffer + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event) + event.len;
        if (event.len > 0 && !report(event, name)) return;
      }
    }
  }

 private:
  bool report(const inotify_event& event, const char* name) {
    const std::string& parent = names_[event.wd];
    const std::string relative = parent.empty() ? name : parent + "/" + name;
    if (recursive_ && (event.mask & IN_ISDIR) && (event.mask & (IN_CREATE | IN_MOVED_TO))) add(relative);
    // The order in which one change shows its kinds.
    if ((event.mask & (IN_CREATE | IN_MOVED_TO)) && !write(relative, "EVENT_TYPE_CREATE", true)) return false;
    if ((event.mask & IN_MOVED_FROM) && !write(relative, "EVENT_TYPE_RENAME", false)) return false;
    if ((event.mask & IN_ATTRIB) && !write(relative, "EVENT_TYPE_CHMOD", true)) return false;
    if ((event.mask & IN_MODIFY) && !write(relative, "EVENT_TYPE_WRITE", true)) return false;
    return !(event.mask & IN_DELETE) || write(relative, "EVENT_TYPE_REMOVE", false);
  }

  bool write(const std::string& relative, const char* type, bool entry_allowed) {
    Json event = Json::object({{"name", relative}, {"type", type}});
    if (with_entry_ && entry_allowed) {
      auto entry = entry_info(config_, root_ + "/" + relative);
      if (entry) event.set("entry", *std::move(entry));
    }
    const std::string line = event.dump() + "\n";
    for (size_t at = 0; at < line.size();) {
      const ssize_t count = ::write(out_, line.data() + at, line.size() - at);
      if (count < 0) return false;
      at += static_cast<size_t>(count);
    }
    return true;
  }

  const AgentConfig& config_;
  const std::string root_;
  const bool recursive_;
  const bool with_entry_;
  const int inotify_;
  const int out_;
  std::map<int, std::string> names_;
};

}  // namespace

Reply watch_directory(const AgentConfig& config, const Json& request) {
  const auto account = find_account(config, request["user"].as_string());
  if (!account) return unknown_account(request["user"].as_string());
  const std::string path = resolve_path(config, *account, request["path"].as_string());
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return Reply::failure("not_found", "path " + shown_path(config, path) + " not found");
  if (!S_ISDIR(info.st_mode))
    return Reply::failure("invalid_argument", "path " + shown_path(config, path) + " is not a directory");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Reply::failure("internal", std::string("pipe: ") + std::strerror(errno));
  FileDescriptor read_end(ends[0]), write_end(ends[1]);
  FileDescriptor inotify(::inotify_init1(IN_CLOEXEC));
  if (!inotify.is_open()) return Reply::failure("internal", std::string("inotify: ") + std::strerror(errno));
  // The watches are in place before the reply, so no change after it is missed.
  Watch watch(config, path, request["recursive"].as_bool(), request["include_entry"].as_bool(), inotify.get(),
              write_end.get());
  watch.add("");
  const pid_t pid = ::fork();
  if (pid < 0) return Reply::failure("internal", std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    std::signal(SIGPIPE, SIG_IGN);
    FileDescriptor(config.socket).close();  // its end of life must not depend on this process
    read_end.close();
    watch.run();
    ::_exit(0);
  }
  Reply reply;
  reply.fds.push_back(std::move(read_end));
  return reply;
}

}  // namespace osiris::e2b_server
