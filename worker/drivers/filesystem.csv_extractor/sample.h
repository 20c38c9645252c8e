// What some records of a file say about all of them, before it is scanned.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/date_column.h"
#include "worker/drivers/filesystem.csv_extractor/layout.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

struct Sample {
  Layout layout;
  uint64_t lines_before_data = 0;
  uint64_t rows = 0;                  // records of data at the file's head that were looked at
  std::vector<KindTracker> trackers;  // of those
  std::vector<KindTracker> guesses;   // of those and of more, from places all over the file
  std::vector<DateSummary> dates;     // the same of columns of dates

  // All columns of dates are TIMESTAMP as far as it shows, so a scan may read them so.
  bool has_timestamps_only() const;
};

// nullopt where the file, or what the step wants of it, is anything but plain: then the careful reader reads it.
std::optional<Sample> sample_file(const Options& options);

// What is known of a shard's file before it is scanned among others: its columns, of the types that were settled for
// all, and where its records begin. nullopt as above; a file without records of data is plain.
std::optional<Sample> look_at_head(const Options& options);

// The scan of `path` that the sample suggests; a column without a value is scanned as `unknown`, and one of dates as
// TIMESTAMP with `reads_dates`, otherwise as text.
ScanPlan scan_plan(const Options& options, const Sample& sample, const std::string& path, Kind unknown,
                   bool reads_dates);

}  // namespace osiris::worker::csv
