#include "host/run/retention.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "host/project/run_index.h"
#include "host/run/kept_records.h"
#include "host/run/session.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsPerDay = 86'400;

// Directories below `root` (links are not followed) that `wanted` holds of; what is inside one is not looked at.
template <class Wanted>
std::vector<fs::path> directories_below(const fs::path& root, Wanted wanted) {
  std::vector<fs::path> found;
  std::error_code code;
  for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, code), end;
       !code && at != end; at.increment(code)) {
    if (!fs::is_directory(at->symlink_status(code)) || !wanted(at->path())) continue;
    found.push_back(at->path());
    at.disable_recursion_pending();
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Cleaner {
 public:
  Cleaner(const Project& project, const UserState& user_state, const Clock& clock, bool dry_run)
      : project_(project), user_state_(user_state), clock_(clock), dry_run_(dry_run) {}

  Result<CleanReport> run() {
    OSIRIS_ASSIGN(const std::vector<RunRecord> records, RunIndex(project_.index_dir()).read());
    for (const RunRecord& record : records) by_session_[record.run_logs_path] = &record;
    for (const RunRecord& record : records)
      if (current_status(record) == "running") running_summaries_.insert(record.aiop_path);
    clean_sessions();
    clean_summaries();
    return std::move(report_);
  }

 private:
  const Retention& retention() const { return project_.config().retention; }

  double age_days(const fs::path& file) const {
    std::error_code code;
    const auto touched = fs::last_write_time(file, code);
    if (code) return 0;
    const auto unix_time = std::chrono::file_clock::to_sys(touched).time_since_epoch();
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(unix_time).count();
    return static_cast<double>(clock_.unix_ns() - ns) / 1e9 / kSecondsPerDay;
  }

  void keep(RecordKind kind, const fs::path& path, std::string reason) {
    report_.kept.push_back({kind, path, std::move(reason)});
  }

  void remove(RecordKind kind, const fs::path& path, double age_days) {
    const RemovedRecord removed{kind, path, size_bytes_of(path), age_days};
    std::error_code code;
    if (!dry_run_) fs::remove_all(path, code);
    if (code)
      report_.failures.push_back(errno_error(code.value(), "cannot remove", path));
    else
      report_.removed.push_back(removed);
  }

  void clean_sessions() {
    const int days = retention().run_logs_days;
    for (const fs::path& session : directories_below(project_.run_logs_root(), is_session)) {
      const double age = age_days(session / "events.jsonl");
      const auto known = by_session_.find(session.string());
      if (const auto reason = why_held(session, known == by_session_.end() ? nullptr : known->second, user_state_)) {
        keep(RecordKind::kSession, session, *reason);
      } else if (age < days) {
        keep(RecordKind::kSession, session,
             "younger than " + std::to_string(days) + " days (filesystem.retention.run_logs_days)");
      } else {
        // Held while it goes, so that no reader takes it for one that may be shown.
        const auto lock = dry_run_ ? std::nullopt : FileLock::try_take_existing(lock_of(session));
        remove(RecordKind::kSession, session, age);
      }
    }
  }

  void clean_summaries() {
    const auto found = directories_below(project_.aiop_root(), is_summary);
    std::map<fs::path, std::vector<fs::path>> by_pipeline;
    for (const fs::path& summary : found) by_pipeline[pipeline_of(summary)].push_back(summary);
    const auto kept_count = static_cast<size_t>(retention().aiop_keep_runs_per_pipeline);
    for (auto& [pipeline, summaries] : by_pipeline) {
      std::stable_sort(summaries.begin(), summaries.end(), [this](const fs::path& a, const fs::path& b) {
        return age_days(a / "summary.json") < age_days(b / "summary.json");
      });
      for (size_t i = 0; i < summaries.size(); ++i) {
        if (running_summaries_.count(summaries[i].string())) {
          keep(RecordKind::kSummary, summaries[i], "its run goes on");
        } else if (i >= kept_count) {
          remove(RecordKind::kSummary, summaries[i], age_days(summaries[i] / "summary.json"));
        } else {
          keep(RecordKind::kSummary, summaries[i],
               "among the newest " + std::to_string(kept_count) +
                   " of its pipeline (filesystem.retention.aiop_keep_runs_per_pipeline)");
          clean_annex(summaries[i] / "annex");
        }
      }
    }
  }

  void clean_annex(const fs::path& annex) {
    std::error_code code;
    if (!fs::is_directory(fs::symlink_status(annex, code))) return;
    double youngest = age_days(annex);
    for (fs::directory_iterator at(annex, code), end; !code && at != end; at.increment(code))
      youngest = std::min(youngest, age_days(at->path()));
    const int days = retention().annex_keep_days;
    if (youngest >= days)
      remove(RecordKind::kAnnex, annex, youngest);
    else
      keep(RecordKind::kAnnex, annex,
           "younger than " + std::to_string(days) + " days (filesystem.retention.annex_keep_days)");
  }

  // aiop/[<profile>/]<pipeline> of aiop/[<profile>/]<pipeline>/<hash>/<run>.
  fs::path pipeline_of(const fs::path& summary) const {
    const std::string& run_dir = project_.config().aiop_run_dir;
    auto levels = 2 + std::count(run_dir.begin(), run_dir.end(), '/');
    fs::path pipeline = summary;
    while (levels-- > 0) pipeline = pipeline.parent_path();
    return pipeline;
  }

  const Project& project_;
  const UserState& user_state_;
  const Clock& clock_;
  const bool dry_run_;
  std::map<std::string, const RunRecord*> by_session_;
  std::set<std::string> running_summaries_;
  CleanReport report_;
};

}  // namespace

std::string_view record_noun(RecordKind kind) {
  switch (kind) {
    case RecordKind::kSession:
      return "session";
    case RecordKind::kSummary:
      return "summary";
    case RecordKind::kAnnex:
      return "annex";
  }
  return "record";
}

Result<FileLock> lock_for_cleaning(const Project& project, bool dry_run) {
  if (std::error_code code; dry_run || !fs::is_directory(project.index_dir(), code)) return FileLock();
  OSIRIS_ASSIGN(std::optional<FileLock> alone, FileLock::try_take(project.index_dir() / "clean.lock"));
  if (!alone)
    return Error(Code::kUnavailable, "Another osiris clean is at work in " + project.base().string(),
                 "wait until it has ended");
  return *std::move(alone);
}

Result<CleanReport> clean_records(const Project& project, const UserState& user_state, const Clock& clock,
                                  bool dry_run) {
  OSIRIS_ASSIGN(const FileLock alone, lock_for_cleaning(project, dry_run));
  return Cleaner(project, user_state, clock, dry_run).run();
}

}  // namespace osiris
