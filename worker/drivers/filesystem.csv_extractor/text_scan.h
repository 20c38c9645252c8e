// Rows of a file, or of several, by threads side by side: record_blocks.h cuts its text, record_fields.h splits it, and
// our rules make values of it. The engine's CSV reader is not used: it looks at every byte through a table, takes
// blanks around quotes away that pandas keeps, and turns "1.5" into the integer 2 and "1_000" into 1000 without a word.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/options.h"
#include "worker/drivers/filesystem.csv_extractor/text_sum.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

struct ScanColumn {
  std::string name;
  size_t field = 0;           // its place in a record
  Kind kind = Kind::kText;    // never kUnknown
  bool is_timestamp = false;  // its texts are dates and become TIMESTAMP; `kind` is kText
  bool must_be_null = false;  // no value was seen, and a value would change the column's type
  bool is_guess = false;      // `kind` is wider than what is certain of `tracker`: values have to show that it is right
  KindTracker tracker;        // of values that are certain to be in the file; not of date columns, which stay text
};

struct ScanFile {
  std::string path;
  uint64_t skip_lines = 0;  // before its first record
};

struct ScanPlan {
  std::vector<ScanFile> files;  // whose rows follow each other; all have these columns in these fields
  uint64_t bytes = 0;           // of all files of a step's shards; 0: it is one file, without a fingerprint
  char delimiter = ',';
  size_t fields = 0;  // of every record
  std::vector<ScanColumn> columns;
  NumberFormat numbers;
  NullWords nulls;
};

// What a scan has seen, shared by its threads. Made once per statement that scans.
class ScanState {
 public:
  // What happens once a value does not fit its column.
  enum class OnUnfit {
    kStop,   // the statement fails
    kWatch,  // rows are no longer given; the trackers see the rest of the file
  };
  ScanState(ScanPlan plan, OnUnfit on_unfit);

  const ScanPlan& plan() const { return plan_; }
  // Called with the rows so far after some, and a way to ask how much of the file is read; false stops the statement.
  std::function<bool(uint64_t rows, const std::function<double()>& percent)> report;
  // Columns that are converted even where the statement does not read them.
  std::function<bool(std::string_view name)> must_convert;

  // A second scan of the same statement would count the rows twice.
  bool begin() { return !begun_.exchange(true); }
  uint64_t rows() const { return rows_; }
  // What was read of one of the files.
  uint64_t rows_of(size_t file) const { return files_[file].rows; }
  // Of the text of a file, and of the text whose rows were all given: sums of hashes of blocks, in decimal. Of shards.
  std::string fingerprint_of(size_t file) const;
  std::string fingerprint() const;
  bool is_unfit() const { return unfit_; }
  bool watches() const { return on_unfit_ == OnUnfit::kWatch; }
  // Every record of the file was read.
  bool is_complete() const { return exhausted_ && open_ == 0; }
  // Of the whole file: which kinds its values fit, once it was read in the mode kWatch and found unfit, and of a column
  // that is a guess always.
  KindTracker tracker(size_t column) const;
  bool has_values(size_t column) const { return has_values_[column]; }
  bool was_read(size_t column) const { return was_read_[column]; }
  void reads(size_t column) { was_read_[column] = true; }

  // For the scan's threads.
  class Thread;

 private:
  friend class Thread;
  struct OfFile {
    std::atomic<uint64_t> rows{0};
    TextSum text;  // guarded by mutex_
  };
  const ScanPlan plan_;
  const OnUnfit on_unfit_;
  const bool numeric_nulls_;  // a word that means NULL would be a number or a boolean
  std::atomic<uint64_t> rows_{0}, open_{0};
  std::atomic<bool> begun_{false}, unfit_{false}, exhausted_{false};
  std::vector<std::atomic<bool>> has_values_, was_read_;
  mutable std::mutex mutex_;
  std::vector<KindTracker> trackers_;  // guarded by mutex_
  std::deque<OfFile> files_;
  TextSum given_;  // guarded by mutex_
};

// Makes a table function without arguments in the connection's database, under a name that cannot be guessed, which
// scans for `state`, and returns that name. Rows come in the order of the file.
Result<std::string> define_scan(duckdb_connection connection, std::shared_ptr<ScanState> state);

}  // namespace osiris::worker::csv
