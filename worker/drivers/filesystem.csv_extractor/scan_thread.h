// What one thread of a scan converts and counts. Needs DuckDB's C++ API.
#pragma once

#include <duckdb.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/date_text.h"
#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker::csv {

inline std::string_view text_of_engine(const duckdb::string_t& value) { return {value.GetData(), value.GetSize()}; }

class ScanState::Thread {
 public:
  explicit Thread(ScanState& state) : state_(state) {
    for (const ScanColumn& column : state.plan_.columns) trackers_.push_back(column.tracker);
    ++state_.open_;
  }
  ~Thread() { end(false); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Everything this thread was given has been read.
  void end(bool exhausted) {
    if (std::exchange(ended_, true)) return;
    {
      const std::lock_guard lock(state_.mutex_);
      for (size_t i = 0; i < trackers_.size(); ++i) state_.trackers_[i].merge(trackers_[i]);
    }
    if (!exhausted) return;  // given up: the scan is not complete
    state_.exhausted_ = true;
    --state_.open_;
  }

  void count(size_t file, uint64_t rows, const std::function<double()>& percent) {
    state_.files_[file].rows += rows;
    const uint64_t total = state_.rows_ += rows;
    if (state_.report && !state_.report(total, percent)) throw duckdb::InterruptException();
  }

  void observe(size_t index, duckdb::Vector& text, uint64_t rows) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    const auto& validity = duckdb::FlatVector::Validity(text);
    for (uint64_t row = 0; row < rows; ++row)
      if (validity.RowIsValid(row) && !state_.plan_.nulls.contains(text_of_engine(values[row])))
        trackers_[index].observe(text_of_engine(values[row]));
  }

  // False where a value does not fit.
  bool convert(size_t index, duckdb::Vector& text, duckdb::Vector* out, uint64_t rows) {
    const ScanColumn& column = state_.plan_.columns[index];
    if (column.is_timestamp) return convert_dates(text, out, rows);
    if (column.is_guess && !trackers_[index].is_final()) observe(index, text, rows);
    if (column.kind == Kind::kText) {
      mark_nulls(text, rows);
      if (out) out->Reference(text);
      return true;
    }
    switch (column.kind) {
      case Kind::kBoolean:
        return convert_as<bool>(index, text, out, rows, parse_boolean);
      case Kind::kUnsigned:
        return convert_as<uint64_t>(index, text, out, rows, parse_unsigned);
      case Kind::kDouble:
        return convert_as<double>(index, text, out, rows, parse_double);
      default:
        return convert_as<int64_t>(index, text, out, rows, [this, index](std::string_view field) {
          const auto value = parse_integer(field);
          if (value && (*value < 0 || (*value == 0 && field.find('-') != field.npos)))
            trackers_[index].observe_negative();
          return value;
        });
    }
  }

  void fail() { state_.unfit_ = true; }

  // A block was taken from its file.
  void take(const TextBlock& block) {
    if (state_.plan_.bytes == 0) return;  // of one file it is not told
    hash_ = hash_of_text(block.text());
    const std::lock_guard lock(state_.mutex_);
    state_.files_[block.file].text.add(*hash_);
  }
  // The engine comes for more: it has had all rows of the block at hand, if there is one.
  void give_all() {
    if (!hash_) return;
    const std::lock_guard lock(state_.mutex_);
    state_.given_.add(*std::exchange(hash_, std::nullopt));
  }

 private:
  void mark_nulls(duckdb::Vector& text, uint64_t rows) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    auto& validity = duckdb::FlatVector::Validity(text);
    for (uint64_t row = 0; row < rows; ++row)
      if (validity.RowIsValid(row) && state_.plan_.nulls.contains(text_of_engine(values[row])))
        validity.SetInvalid(row);
  }

  // Of a column whose dates are all alike, without an offset and of whole microseconds; false where one is another.
  bool convert_dates(duckdb::Vector& text, duckdb::Vector* out, uint64_t rows) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    const auto& validity = duckdb::FlatVector::Validity(text);
    auto* data = out ? duckdb::FlatVector::GetData<int64_t>(*out) : nullptr;
    for (uint64_t row = 0; row < rows; ++row) {
      const auto date = validity.RowIsValid(row) ? parse_date(text_of_engine(values[row])) : std::nullopt;
      if (date && (date->nanos != 0 || date->offset_minutes)) return false;
      if (!date && validity.RowIsValid(row) && !state_.plan_.nulls.contains(text_of_engine(values[row]))) return false;
      if (!data) continue;
      if (date) {
        data[row] = date->micros;
      } else {
        duckdb::FlatVector::Validity(*out).SetInvalid(row);
      }
    }
    return true;
  }

  template <class Out, class Parse>
  bool convert_as(size_t index, duckdb::Vector& text, duckdb::Vector* out, uint64_t rows, Parse parse) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    const auto& validity = duckdb::FlatVector::Validity(text);
    const NullWords& nulls = state_.plan_.nulls;
    Out* data = out ? duckdb::FlatVector::GetData<Out>(*out) : nullptr;
    bool seen = false;
    for (uint64_t row = 0; row < rows; ++row) {
      std::optional<Out> value;
      if (validity.RowIsValid(row)) {
        const std::string_view field = text_of_engine(values[row]);
        // Most fields are values: a word that means NULL is looked for where there is none, unless it would be one.
        if (!state_.numeric_nulls_ || !nulls.contains(field)) {
          const auto number = state_.plan_.numbers.plain(field, buffer_);
          if (number) value = parse(*number);
          if (!value && !nulls.contains(field)) return false;
        }
      }
      seen |= value.has_value();
      if (!data) continue;
      if (value) {
        data[row] = *value;
      } else {
        duckdb::FlatVector::Validity(*out).SetInvalid(row);
      }
    }
    if (!seen) return true;
    if (state_.plan_.columns[index].must_be_null) return false;
    if (std::is_same_v<Out, int64_t>) trackers_[index].observe_whole();
    if (!state_.has_values_[index].load(std::memory_order_relaxed)) state_.has_values_[index] = true;
    return true;
  }

  ScanState& state_;
  std::vector<KindTracker> trackers_;
  std::string buffer_;
  std::optional<uint64_t> hash_;  // of the block at hand
  bool ended_ = false;
};

}  // namespace osiris::worker::csv
