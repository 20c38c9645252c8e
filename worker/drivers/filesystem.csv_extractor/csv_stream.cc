#include "worker/drivers/filesystem.csv_extractor/csv_stream.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/sample.h"
#include "worker/drivers/filesystem.csv_extractor/scan_report.h"
#include "worker/drivers/filesystem.csv_extractor/scanned_text.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker::csv {
namespace {

constexpr uint64_t kBytesOfACompressedOne = 8;  // of text, as a rule

Error unsound(const char* why) { return Error(Code::kUnavailable, why); }

class CsvStream : public StreamedOutput {
 public:
  CsvStream(StepContext& step, Options options, Sample sample)
      : step_(step),
        options_(std::move(options)),
        sample_(std::move(sample)),
        report_(step, options_),
        text_(step, options_) {}
  ~CsvStream() override {
    if (state_) state_->report = nullptr;
  }

  Status define() {
    OSIRIS_TRY(text_.open());
    // The type of a column without a value is that of an empty one until a value is met.
    ScanPlan plan = scan_plan(options_, sample_, text_.path(), Kind::kDouble);
    for (size_t i = 0; i < plan.columns.size(); ++i)
      plan.columns[i].must_be_null = sample_.guesses[i].kind() == Kind::kUnknown;
    state_ = std::make_shared<ScanState>(std::move(plan), ScanState::OnUnfit::kStop);
    state_->report = [this](uint64_t rows, const auto& percent) { return report_.rows(rows, percent); };
    OSIRIS_ASSIGN(function_, define_scan(step_.connection_handle(), state_));
    return {};
  }

  std::string rows() const override { return function_ + "()"; }
  std::vector<std::string> functions() const override { return {function_}; }
  std::vector<std::string> files() const override { return {text_.path()}; }
  uint64_t bytes() const override {
    std::error_code ignored;
    const uint64_t bytes = std::filesystem::file_size(options_.file, ignored);
    if (ignored) return 0;
    return options_.compression == Compression::kNone ? bytes : bytes * kBytesOfACompressedOne;
  }
  void must_convert(std::function<bool(std::string_view)> accepts) override {
    state_->must_convert = std::move(accepts);
  }

  Result<StepOutcome> finish() override {
    if (!state_->is_complete()) return unsound("the file was not read to its end");
    if (state_->is_unfit()) return unsound("a value does not fit its column");
    const auto& columns = state_->plan().columns;
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i].is_guess && state_->was_read(i) && state_->tracker(i).kind() != columns[i].kind)
        return unsound("a column's type was wrong");
    if (state_->rows() < sample_.rows) return unsound("the scan saw other records than the sample");
    if (step_.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
    report_.all(state_->rows());
    return StepOutcome{.rows_read = state_->rows(), .rows_written = 0};
  }

 private:
  StepContext& step_;
  const Options options_;
  const Sample sample_;
  ScanReport report_;
  ScannedText text_;
  std::shared_ptr<ScanState> state_;
  std::string function_;
};

}  // namespace

Result<std::unique_ptr<StreamedOutput>> open_stream(StepContext& step, Options options) {
  std::unique_ptr<StreamedOutput> none;
  // The type of a date column is that of all its values; a limit ends within the file.
  if (options.limit != UINT64_MAX || options.parse_all_dates || !options.date_columns.empty()) return none;
  auto sample = sample_file(options);
  if (!sample) return none;
  auto stream = std::make_unique<CsvStream>(step, std::move(options), *std::move(sample));
  if (!stream->define().ok()) return none;
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

}  // namespace osiris::worker::csv
