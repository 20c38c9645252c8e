#include "host/run/kept_records.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "host/run/session.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(fs::symlink_status(path, code));
}

bool is_alive(pid_t pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno == EPERM); }

}  // namespace

bool is_session(const fs::path& directory) {
  return is_file(directory / "events.jsonl") &&
         (is_file(directory / "osiris.log") || is_file(directory / "metrics.jsonl"));
}

bool is_summary(const fs::path& directory) { return is_file(directory / "summary.json"); }

uint64_t size_bytes_of(const fs::path& directory) {
  uint64_t total = 0;
  std::error_code code;
  for (fs::recursive_directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    if (std::error_code unseen; fs::is_regular_file(at->symlink_status(unseen))) total += at->file_size(unseen);
  return total;
}

std::optional<std::string> why_held(const fs::path& session, const RunRecord* record, const UserState& user_state) {
  if (is_held(session)) return "its run goes on";
  if (!record) return std::nullopt;
  const auto has = [&](const std::vector<std::string>& ids) {
    return std::find(ids.begin(), ids.end(), record->run_id) != ids.end();
  };
  const bool never_ended = record->status == "running" || record->status == "interrupted";
  if (has(user_state.live_run_ids()) || (never_ended && is_alive(static_cast<pid_t>(record->extra["pid"].as_int()))))
    return "its process is alive";
  if (has(user_state.dead_run_ids())) return "it may still hold remote resources: osiris resources reap";
  return std::nullopt;
}

}  // namespace osiris
