// What `osiris clean` removes and what it leaves, by filesystem.retention of osiris.yaml: sessions by age, summaries by
// number per pipeline, annexes (of Python Osiris) by age. Builds, indexes and what pipelines wrote are never removed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/project/project.h"
#include "host/run/user_state.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/file_lock.h"

namespace osiris {

enum class RecordKind { kSession, kSummary, kAnnex };
std::string_view record_noun(RecordKind kind);  // "session", "summary", "annex"

struct RetainedRecord {
  RecordKind kind;
  std::filesystem::path path;
  std::string reason;  // why it is kept
};

struct RemovedRecord {
  RecordKind kind;
  std::filesystem::path path;
  uint64_t size_bytes = 0;
  double age_days = 0;
};

struct CleanReport {
  std::vector<RemovedRecord> removed;  // in a dry run: those that would be
  std::vector<RetainedRecord> kept;
  size_t runs = 0;              // that are in the index no more
  std::vector<Error> failures;  // what could not be removed; the rest was
};

// Held while records are removed; not taken in a dry run. kUnavailable while another clean-up works in the project.
Result<FileLock> lock_for_cleaning(const Project& project, bool dry_run);

// A session whose host lives is left, whatever its age, and so is one that may still hold remote resources. One
// clean-up works in a project at a time: kUnavailable while another does.
Result<CleanReport> clean_records(const Project& project, const UserState& user_state, const Clock& clock,
                                  bool dry_run);

}  // namespace osiris
