#include "host/run/prune.h"

#include <map>
#include <set>

#include "host/run/kept_records.h"
#include "host/run/session.h"
#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/rfc3339.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// A path of the index is removed only where records of this project are: the index is a file that a user may edit.
bool is_below(const fs::path& path, const fs::path& root) {
  const fs::path relative = path.lexically_normal().lexically_relative(root.lexically_normal());
  return !relative.empty() && *relative.begin() != ".." && *relative.begin() != ".";
}

class Pruner {
 public:
  Pruner(const Project& project, const UserState& user_state, const PruneLimits& limits, const Clock& clock,
         bool dry_run)
      : project_(project), user_state_(user_state), limits_(limits), clock_(clock), dry_run_(dry_run) {}

  // A run's removal is whole or not begun: what could not be removed keeps its lines of the index.
  void look_at(const RunRecord& run) {
    const fs::path session = run.run_logs_path;
    const bool has_session =
        !run.run_logs_path.empty() && is_below(session, project_.run_logs_root()) && is_session(session);
    const fs::path summary = run.aiop_path;
    const bool has_summary = !run.aiop_path.empty() && is_below(summary, project_.aiop_root()) && is_summary(summary);
    const uint64_t session_bytes = has_session ? size_bytes_of(session) : 0;
    const uint64_t summary_bytes = has_summary ? size_bytes_of(summary) : 0;
    const bool may_stay = is_within_limits(run, session_bytes + summary_bytes);
    const auto held = may_stay ? std::nullopt : why_held(session, &run, user_state_);
    if (may_stay || held) {
      if (held) report_.kept.push_back({RecordKind::kSession, session, *held});
      return;
    }
    const bool is_gone = (!has_session || remove(RecordKind::kSession, session, session_bytes, run)) &&
                         (!has_summary || remove(RecordKind::kSummary, summary, summary_bytes, run));
    if (is_gone) gone_.insert(run.run_id);
  }

  Result<CleanReport> finish() && {
    if (!dry_run_ && !gone_.empty()) OSIRIS_TRY(RunIndex(project_.index_dir()).forget(gone_));
    report_.runs = gone_.size();
    return std::move(report_);
  }

 private:
  bool is_within_limits(const RunRecord& run, uint64_t size_bytes) {
    taken_bytes_ += size_bytes;
    const size_t newer = seen_[run.pipeline_slug]++;
    if (run.run_id == limits_.spared_run) return true;
    return !(limits_.keep && newer >= *limits_.keep) && !(!limits_.oldest.empty() && run.run_ts < limits_.oldest) &&
           !(limits_.size_bytes && taken_bytes_ > *limits_.size_bytes);
  }

  bool remove(RecordKind kind, const fs::path& path, uint64_t size_bytes, const RunRecord& run) {
    // Held while it goes, so that no reader takes it for one that may be shown.
    const auto lock =
        dry_run_ || kind != RecordKind::kSession ? std::nullopt : FileLock::try_take_existing(lock_of(path));
    std::error_code code;
    if (!dry_run_) fs::remove_all(path, code);
    if (code) {
      report_.failures.push_back(errno_error(code.value(), "cannot remove", path));
      return false;
    }
    const int64_t began_ns = parse_rfc3339(run.run_ts).value_or(clock_.unix_ns());
    report_.removed.push_back({kind, path, size_bytes, static_cast<double>(clock_.unix_ns() - began_ns) / 86'400e9});
    return true;
  }

  const Project& project_;
  const UserState& user_state_;
  const PruneLimits& limits_;
  const Clock& clock_;
  const bool dry_run_;
  uint64_t taken_bytes_ = 0;
  std::map<std::string, size_t> seen_;
  std::set<std::string> gone_;
  CleanReport report_;
};

}  // namespace

Result<CleanReport> prune_runs(const Project& project, const UserState& user_state, const std::vector<RunRecord>& runs,
                               const PruneLimits& limits, const Clock& clock, bool dry_run) {
  OSIRIS_ASSIGN(const FileLock alone, lock_for_cleaning(project, dry_run));
  Pruner pruner(project, user_state, limits, clock, dry_run);
  for (const RunRecord& run : runs) pruner.look_at(run);
  return std::move(pruner).finish();
}

}  // namespace osiris
