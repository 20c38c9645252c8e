// What a column of dates holds as a whole, which decides its type.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::csv {

enum class DateType {
  kText,  // no single type holds every value
  kTimestamp,
  kTimestampNs,
  kTimestampTz,
};

const char* date_type_name(DateType type);  // "TIMESTAMPTZ"; of text "VARCHAR"
DateType date_type_named(std::string_view name);

class DateSummary {
 public:
  void observe(std::string_view field);
  void merge(const DateSummary& other);

  uint64_t values() const { return values_; }
  uint64_t dates() const { return values_ - others_; }
  DateType type() const;
  // Why the type is kText: "'soon' is not a date".
  std::string why_text() const;
  // The only offset of a kTimestampTz column.
  int offset_minutes() const { return offsets_.begin()->first; }

 private:
  uint64_t values_ = 0, others_ = 0, nanos_ = 0, beyond_nanos_ = 0;
  // The least text of each kind, so that the same one is named however the rows were shared out.
  std::string other_, naive_;
  bool has_naive_ = false;
  std::map<int, std::string> offsets_;
};

// Of the text column `quoted_column` of the step's output.
Result<DateSummary> summarize_dates(StepContext& step, const std::string& quoted_column);
// Makes the column one of `type`, which is not kText.
Status convert_dates(StepContext& step, const std::string& quoted_column, DateType type);

}  // namespace osiris::worker::csv
