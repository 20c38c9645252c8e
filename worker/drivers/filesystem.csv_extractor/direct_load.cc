#include "worker/drivers/filesystem.csv_extractor/direct_load.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/sample.h"
#include "worker/drivers/filesystem.csv_extractor/scan_report.h"
#include "worker/drivers/filesystem.csv_extractor/scanned_text.h"
#include "worker/drivers/filesystem.csv_extractor/settled_types.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker::csv {
namespace {

class DirectLoad {
 public:
  DirectLoad(StepContext& step, const Options& options, Sample sample)
      : step_(step),
        options_(options),
        sample_(std::move(sample)),
        reads_dates_(options.settled.empty() && sample_.has_timestamps_only()) {}

  Result<std::optional<Loaded>> run() {
    ScannedText text(step_, options_);
    OSIRIS_TRY(text.open());
    auto loaded = load(text.path());
    if (!loaded.ok() || !*loaded) return loaded;
    if (step_.is_cancelled()) return step_cancelled();
    return std::optional(Loaded{(*loaded)->rows, std::move(sample_.layout)});
  }

 private:
  // At most twice: where the sample was wrong about a type, the first pass has seen all values and the second is right.
  Result<std::optional<Loaded>> load(const std::string& path) {
    for (const bool is_last : {false, true}) {
      const auto state =
          std::make_shared<ScanState>(scan_plan(options_, sample_, path, Kind::kInteger, reads_dates_),
                                      has_limit() || is_last ? ScanState::OnUnfit::kStop : ScanState::OnUnfit::kWatch);
      ScanReport report(step_, options_);
      state->report = [&report](uint64_t rows, const auto& percent) { return report.rows(rows, percent); };
      OSIRIS_ASSIGN(const std::string scan, define_scan(step_.connection_handle(), state));
      auto result = sql::run_query(step_.connection_handle(),
                                   "CREATE TABLE " + step_.output_table().quoted() + " AS SELECT * FROM " + scan +
                                       "()" + (has_limit() ? " LIMIT " + std::to_string(options_.limit) : ""));
      state->report = nullptr;
      if (step_.is_cancelled()) return step_cancelled();
      if (!result.ok()) {
        if (result.error().code == Code::kExhausted) return result.error();
        return std::optional<Loaded>();
      }
      if (learn_kinds(*state)) {
        OSIRIS_TRY(give_up());
        continue;
      }
      const auto rows = static_cast<uint64_t>(result->integer());
      if (rows < std::min(sample_.rows, options_.limit)) return give_up();  // it saw other records than we did
      for (size_t i = 0; i < sample_.layout.columns.size(); ++i)
        if (!sample_.layout.columns[i].is_date)
          OSIRIS_TRY(check_settled(options_, sample_.layout.columns[i].name, sample_.guesses[i]));
      OSIRIS_TRY(settle_empty_columns(*state));
      report.all(rows);
      return std::optional(Loaded{rows, {}});
    }
    return std::optional<Loaded>();
  }

  bool has_limit() const { return options_.limit != UINT64_MAX; }

  // Whether the scan has shown that a type was wrong; then the types of the next scan are right.
  bool learn_kinds(const ScanState& state) {
    bool wrong = state.is_unfit();
    const auto& columns = state.plan().columns;
    for (size_t i = 0; i < columns.size(); ++i)
      wrong |= columns[i].is_guess && state.tracker(i).kind() != columns[i].kind;
    if (!wrong) return false;
    // Which column it was is not known: where dates were read as what they may not be, they stay texts, which are
    // looked at whole.
    if (state.is_unfit()) reads_dates_ = false;
    for (size_t i = 0; i < columns.size(); ++i) {
      // Without a value that did not fit, only the guesses were watched.
      if (state.is_unfit() || columns[i].is_guess) sample_.trackers[i].merge(state.tracker(i));
      sample_.guesses[i] = sample_.trackers[i];
    }
    return true;
  }

  // The scan's result is not to be trusted: nothing of it stays.
  Result<std::optional<Loaded>> give_up() {
    OSIRIS_TRY(sql::execute(step_.connection_handle(), "DROP TABLE " + step_.output_table().quoted()));
    return std::optional<Loaded>();
  }

  // A column without a single value was read as integers on trial; it is a number column, as in pandas.
  Status settle_empty_columns(const ScanState& state) {
    for (size_t i = 0; i < sample_.layout.columns.size(); ++i) {
      const Column& column = sample_.layout.columns[i];
      if (column.is_date || sample_.guesses[i].kind() != Kind::kUnknown || state.has_values(i)) continue;
      OSIRIS_TRY(sql::execute(step_.connection_handle(), "ALTER TABLE " + step_.output_table().quoted() +
                                                             " ALTER COLUMN " + sql::quote_identifier(column.name) +
                                                             " TYPE DOUBLE"));
    }
    return {};
  }

  StepContext& step_;
  const Options& options_;
  Sample sample_;
  bool reads_dates_;  // as TIMESTAMP, which the sample says that they are
};

}  // namespace

Result<std::optional<Loaded>> load_directly(StepContext& step, const Options& options) {
  auto sample = sample_file(options);
  if (!sample) return std::optional<Loaded>();
  return DirectLoad(step, options, *std::move(sample)).run();
}

}  // namespace osiris::worker::csv
