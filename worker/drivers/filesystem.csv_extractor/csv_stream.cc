#include "worker/drivers/filesystem.csv_extractor/csv_stream.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/sample.h"
#include "worker/drivers/filesystem.csv_extractor/scan_report.h"
#include "worker/drivers/filesystem.csv_extractor/scanned_text.h"
#include "worker/drivers/filesystem.csv_extractor/text_batches.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker::csv {
namespace {

// Each of them is looked for when a statement opens a file.
constexpr size_t kJoinedFilesMax = 1000;
constexpr uint64_t kBytesOfACompressedOne = 8;  // of text, as a rule

Error unsound(const char* why) { return Error(Code::kUnavailable, why); }

// Of several files when it is told of the others.
class CsvStream : public StreamedOutput, public SourceRows, public ChunkBatches {
 public:
  // `bytes`: of all its files; 0: it is one.
  CsvStream(StepContext& step, Options options, Sample sample, uint64_t bytes = 0)
      : step_(step),
        options_(std::move(options)),
        sample_(std::move(sample)),
        report_(step, options_, bytes),
        text_(step, options_) {}
  ~CsvStream() override {
    if (state_) state_->report = nullptr;
  }

  // All files of the stream, and how many records each has at least; before define().
  void join(std::vector<ScanFile> files, std::vector<uint64_t> rows_min) {
    joined_ = std::move(files);
    rows_min_ = std::move(rows_min);
  }

  Status define() {
    OSIRIS_TRY(text_.open());
    // The type of a column without a value is that of an empty one until a value is met.
    ScanPlan plan = scan_plan(options_, sample_, text_.path(), Kind::kDouble, true);
    if (!joined_.empty()) {
      plan.files = joined_;
      plan.bytes = bytes();
    }
    for (size_t i = 0; i < plan.columns.size(); ++i)
      plan.columns[i].must_be_null = !plan.columns[i].is_timestamp && sample_.guesses[i].kind() == Kind::kUnknown;
    state_ = std::make_shared<ScanState>(std::move(plan), ScanState::OnUnfit::kStop);
    state_->report = [this](uint64_t rows, const auto& percent) { return report_.rows(rows, percent); };
    OSIRIS_ASSIGN(function_, define_scan(step_.connection_handle(), state_));
    return {};
  }

  std::string rows() const override { return function_ + "()"; }
  std::vector<std::string> functions() const override { return {function_}; }
  std::vector<std::string> files() const override {
    std::vector<std::string> paths;
    for (const ScanFile& file : joined_) paths.push_back(file.path);
    return joined_.empty() ? std::vector<std::string>{text_.path()} : paths;
  }
  uint64_t bytes() const override {
    if (!joined_.empty()) return report_.file_bytes();
    std::error_code ignored;
    const uint64_t bytes = std::filesystem::file_size(options_.file, ignored);
    if (ignored) return 0;
    return options_.compression == Compression::kNone ? bytes : bytes * kBytesOfACompressedOne;
  }
  void must_convert(std::function<bool(std::string_view)> accepts) override {
    state_->must_convert = std::move(accepts);
  }

  SourceRows* source_rows() override { return this; }

  Result<StepOutcome> finish() override {
    if (batches_) batches_->end();
    if (!state_->is_complete()) return unsound("the file was not read to its end");
    if (state_->is_unfit()) return unsound("a value does not fit its column");
    const auto& columns = state_->plan().columns;
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i].is_guess && state_->was_read(i) && state_->tracker(i).kind() != columns[i].kind)
        return unsound("a column's type was wrong");
    if (state_->rows() < sample_.rows) return unsound("the scan saw other records than the sample");
    for (size_t i = 0; i < rows_min_.size(); ++i)
      if (state_->rows_of(i) < rows_min_[i]) return unsound("the scan saw other records than are at a file's head");
    if (step_.is_cancelled()) return step_cancelled();
    report_.all(state_->rows());
    return StepOutcome{.rows_read = state_->rows(), .rows_written = 0};
  }
  std::vector<StreamedShard> shards() const override {
    std::vector<StreamedShard> all;
    for (size_t i = 0; i < joined_.size(); ++i) all.push_back({state_->rows_of(i), state_->fingerprint_of(i)});
    return all;
  }
  std::string fingerprint() const override { return state_->fingerprint(); }

 private:
  // Text has no form that a writer takes as it is.
  const Form* form() const override { return nullptr; }
  bool take() override { return false; }
  Result<std::optional<Piece>> next_piece() override { return Error(Code::kUnsupported, "the rows have no pieces"); }

  std::vector<std::string> batch_columns() const override {
    std::vector<std::string> names;
    for (const ScanColumn& column : state_->plan().columns) names.push_back(column.name);
    return names;
  }
  bool take_batches(const std::vector<size_t>& places) override {
    if (!state_->begin()) return false;
    places_ = places;
    return true;
  }
  size_t threads_max() const override { return SIZE_MAX; }
  Result<std::unique_ptr<ChunkBatches::Batch>> take_batch() override {
    if (step_.is_cancelled()) return step_cancelled();
    if (!batches_) {
      OSIRIS_ASSIGN(batches_, TextBatches::open(*state_, step_.connection_handle(), places_));
    }
    return batches_->take();
  }

  StepContext& step_;
  const Options options_;
  const Sample sample_;
  ScanReport report_;
  ScannedText text_;
  std::vector<ScanFile> joined_;  // empty: it is one file
  std::vector<uint64_t> rows_min_;
  std::shared_ptr<ScanState> state_;
  std::string function_;
  std::vector<size_t> places_;            // of the columns that are taken as batches
  std::unique_ptr<TextBatches> batches_;  // null: no batch was taken
};

// A limit ends within the file.
bool may_stream(const Options& options) { return options.limit == UINT64_MAX && !options.parse_all_dates; }

bool have_same_columns(const Layout& one, const Layout& other) {
  return one.fields == other.fields && one.columns.size() == other.columns.size() &&
         std::equal(one.columns.begin(), one.columns.end(), other.columns.begin(),
                    [](const Column& a, const Column& b) { return a.name == b.name && a.field == b.field; });
}

uint64_t size_of(const std::filesystem::path& file) {
  std::error_code ignored;
  const uint64_t size = std::filesystem::file_size(file, ignored);
  return ignored ? 0 : size;
}

}  // namespace

Result<std::unique_ptr<StreamedOutput>> open_joined_stream(StepContext& step, Options options, uint64_t bytes_min) {
  std::unique_ptr<StreamedOutput> none;
  // What the shards' dates are was settled by the rules of a whole column.
  if (!may_stream(options) || !options.date_columns.empty() || options.joined.empty() ||
      options.joined.size() > kJoinedFilesMax || options.settled.empty())
    return none;
  uint64_t bytes = 0;
  std::optional<Sample> first;
  std::vector<ScanFile> files;
  std::vector<uint64_t> rows_min;
  for (const SourceFile& file : options.joined) {
    if (file.compression != Compression::kNone) return none;
    options.file = file.absolute;
    auto head = look_at_head(options);
    if (!head || (first && !have_same_columns(first->layout, head->layout))) return none;
    bytes += size_of(file.absolute);
    files.push_back({file.absolute.native(), head->lines_before_data});
    rows_min.push_back(head->rows);
    if (!first) first = std::move(head);
  }
  if (bytes < bytes_min) return none;
  options.file = options.joined.front().absolute;
  auto stream = std::make_unique<CsvStream>(step, std::move(options), *std::move(first), bytes);
  stream->join(std::move(files), std::move(rows_min));
  if (!stream->define().ok()) return none;
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

Result<std::unique_ptr<StreamedOutput>> open_stream(StepContext& step, Options options) {
  std::unique_ptr<StreamedOutput> none;
  if (!may_stream(options)) return none;
  auto sample = sample_file(options);
  // The type of a date column is that of all its values. The scan finds out whether it is the one that the sample
  // shows; of the others not even the type is known.
  if (!sample || !sample->has_timestamps_only()) return none;
  auto stream = std::make_unique<CsvStream>(step, std::move(options), *std::move(sample));
  if (!stream->define().ok()) return none;
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

}  // namespace osiris::worker::csv
