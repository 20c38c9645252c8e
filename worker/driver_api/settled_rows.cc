#include "worker/driver_api/settled_rows.h"

#include <utility>

namespace osiris::worker {
namespace {

class SettledStream : public StreamedOutput {
 public:
  SettledStream(std::unique_ptr<SettledRows> rows, StepOutcome outcome)
      : settled_(std::move(rows)), outcome_(outcome) {}

  Status open(StepContext& step) {
    OSIRIS_ASSIGN(select_, settled_->select(step));
    return {};
  }

  bool is_readable() const override { return select_.has_value(); }
  std::string rows() const override { return "(" + select_->sql + ")"; }
  std::vector<std::string> functions() const override { return select_->functions; }
  std::vector<std::string> files() const override { return select_->files; }
  Result<StepOutcome> finish() override {
    if (settled_->is_read_to_its_end()) return outcome_;
    return Error(Code::kUnavailable, "the rows were not read to their end");
  }
  std::optional<Result<StepOutcome>> store(StepContext& step) override {
    const Status created = settled_->create(step);
    if (!created.ok()) return Result<StepOutcome>(created.error());
    step.progress(outcome_.rows_read);
    return Result<StepOutcome>(outcome_);
  }

 private:
  const std::unique_ptr<SettledRows> settled_;
  const StepOutcome outcome_;
  std::optional<SettledRows::Select> select_;
};

}  // namespace

Result<std::unique_ptr<StreamedOutput>> stream_of(StepContext& step, std::unique_ptr<SettledRows> rows,
                                                  StepOutcome outcome) {
  auto stream = std::make_unique<SettledStream>(std::move(rows), outcome);
  OSIRIS_TRY(stream->open(step));
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

}  // namespace osiris::worker
