#include "worker/executor/sharded_step.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/side_by_side.h"
#include "protocol/model/step_naming.h"
#include "worker/executor/step_context.h"
#include "worker/executor/step_records.h"

namespace osiris::worker {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr size_t kAheadMax = 2;    // finished shards that may wait for one before them, for each thread
constexpr unsigned kTimesMax = 3;  // that all shards are read, where what they read by is lost
constexpr std::chrono::milliseconds kFlushLimit{200};
constexpr std::chrono::milliseconds kLostLookEvery{500};

uint64_t rows_processed(const PlanStep& step, const StepEnd& end) {
  if (step.mode == StepMode::kWrite) return end.outcome.rows_written;
  return step.mode == StepMode::kExtract ? end.outcome.rows_read : end.rows_out.value_or(0);
}

// While it lives, the shard stops with its step.
class PartOf {
 public:
  PartOf(StepControl& step, StepControl& shard) : step_(step), shard_(shard) { step_.add(shard_); }
  ~PartOf() { step_.remove(shard_); }
  PartOf(const PartOf&) = delete;
  PartOf& operator=(const PartOf&) = delete;

 private:
  StepControl& step_;
  StepControl& shard_;
};

}  // namespace

ShardedStep::ShardedStep(StepRunner& runner, const PlanStep& step, const StepRunner::Prepared& prepared,
                         StepControl& control)
    : runner_(runner), step_(step), prepared_(prepared), control_(control) {
  std::set<std::string_view> patterns;
  for (const PlanFile* file : prepared_.files->of_shards()) {
    recorded_[file->path] = file;
    if (names_shard(file->pattern) && patterns.insert(file->pattern).second) patterns_.push_back(file->pattern);
  }
  for (size_t i = 0; i < prepared_.views.size(); ++i) {
    if (!prepared_.in_shards[i]) continue;
    uint64_t first = 0;
    for (const uint64_t rows : prepared_.views[i].relation->shard_rows()) {
      first_rows_[i].push_back(first);
      first += rows;
    }
    const auto& missing = prepared_.views[i].relation->missing_shards();
    not_there_.insert(missing.begin(), missing.end());
  }
}

Status ShardedStep::run(StepEnd& end) {
  OSIRIS_TRY(check_inputs());
  if (step_.shards->holds) return hold();
  for (unsigned time = 1; run_once() && time < kTimesMax;) begin_again(++time);
  settled_.source.reset();
  if (failure_) return *failure_;
  if (step_.mode != StepMode::kWrite) {
    OSIRIS_ASSIGN(end.relation, shards().empty() ? columns_only() : union_->take(rows_));
    end.fingerprint = union_->fingerprint();
  }
  if (end.relation) end.rows_out = end.relation->rows();
  end.outcome = outcome_;
  end.artifacts = std::move(artifacts_);
  return missing_shards(end);
}

// Nothing is an error, and nothing marked as incomplete, where all came.
Status ShardedStep::missing_shards(StepEnd& end) const {
  if (left_out_.empty() && not_there_.empty()) return {};
  std::set<size_t> missing = not_there_;
  for (const FailedShard& each : left_out_) missing.insert(each.place);
  if (end.relation) end.relation = end.relation->with_shards(rows_, {missing.begin(), missing.end()});
  return incomplete_shards(*step_.shards, left_out_, {not_there_.begin(), not_there_.end()});
}

// For shards that other workers read. Where nothing has to be held the step is done once it has settled.
Status ShardedStep::hold() {
  OSIRIS_TRY(settle());
  while (settled_.source) {
    control_.pause(kLostLookEvery);
    if (control_.stopped() != Stop::kNone) return Error(Code::kCancelled, "it was held until now");
    if (settled_.source->is_lost())
      return Error(Code::kUnavailable,
                   "what its shards are read by is gone: the server ended the connection that held it",
                   "See the server's log.", category::kConnectionFailed);
  }
  return {};
}

Status ShardedStep::begin_stream() {
  OSIRIS_TRY(check_inputs());
  OSIRIS_TRY(settle());
  is_begun_ = true;
  return {};
}

bool ShardedStep::has_its_files() const {
  const auto& files = prepared_.files->of_shards();
  if (patterns_.size() != 1 || files.size() != shards().size()) return false;
  for (size_t i = 0; i < files.size(); ++i)
    if (files[i]->path != fill_shard(patterns_.front(), shards()[i]) || !check_files(shards()[i]).ok()) return false;
  return true;
}

void ShardedStep::tell_streamed(const std::vector<StreamedShard>& streamed) {
  for (size_t i = 0; i < streamed.size(); ++i)
    emit_event(runner_.sink_, "shard_complete", step_.id,
               Json::object({{"shard", shards()[i].index},
                             {"value", shards()[i].value},
                             {"rows", streamed[i].rows},
                             {"fingerprint", streamed[i].fingerprint}}));
}

bool ShardedStep::run_once() {
  control_.rows = 0;
  union_.emplace(runner_.run_.database, relation_name(step_.id));
  rows_.assign(shards().size(), 0);
  next_ = accepted_ = 0;
  done_.clear();
  failure_.reset();
  outcome_ = {};
  artifacts_.clear();
  left_out_.clear();
  if (!std::exchange(is_begun_, false))
    if (const Status settled = settle(); !settled.ok()) {
      failure_ = settled.error();
      return false;
    }
  if (!shards().empty()) run_all();
  if (!failure_ || control_.stopped() != Stop::kNone) return false;
  if (failure_->detail[kUnsettled].as_bool() && !is_unsettled_) return is_unsettled_ = true;
  return settled_.source && settled_.source->is_lost();
}

void ShardedStep::begin_again(unsigned time) {
  runner_.log_.warning("step " + step_.id + ": all shards are read again: " + failure_->message);
  Json taken_in = Json::array();
  for (size_t i = 0; i < accepted_; ++i) taken_in.push_back(shards()[i].index);
  emit_event(runner_.sink_, "shards_restarted", step_.id,
             Json::object({{"time", uint64_t{time}}, {"error", failure_->message}, {"shards", std::move(taken_in)}}));
}

// What is settled is told before a row is read: the host records it.
Status ShardedStep::settle() {
  settled_ = {};
  if (!step_.shards->settled.is_null()) {
    settled_.common = step_.shards->settled;
    return {};
  }
  const Json& rule = step_.shards->rule;
  const Driver& driver = *prepared_.driver;
  const bool is_split = rule.contains("split");
  if (is_split && !driver.splits && step_.mode == StepMode::kExtract)
    return Error(Code::kUnsupported, step_.component + " does not split what it reads",
                 "use foreach with values or range, and name $shard in the query", category::kConfigInvalid);
  if (!driver.settle || step_.mode != StepMode::kExtract || (!is_split && recorded_.empty())) return {};
  if (is_split && shards().size() != rule["split"]["parts"].as_uint() + 1)
    return Error(Code::kUnsupported,
                 "step " + step_.id +
                     " is to run some parts of its split, and one worker asks for "
                     "the bounds of all",
                 "Run it in one worker.", category::kSystemResourceUnavailable);
  StepRunner::Prepared prepared;
  prepare_alike(prepared);
  prepared.config = prepared_.config;
  prepared.work = [&](StepContext& context) -> Result<StepOutcome> {
    OSIRIS_ASSIGN(settled_, driver.settle(context, rule, is_unsettled_));
    return StepOutcome{};
  };
  StepEnd nothing;
  OSIRIS_TRY(runner_.run_attempts(step_, prepared, control_, nullptr, nothing));
  if (settled_.common.is_null()) return {};
  Json told = settled_.common;
  runner_.run_.redactor->redact(told);
  Json event = Json::object({{"settled", told}});
  if (told.dump() != settled_.common.dump()) event.set("masked", true);  // of no use to another worker
  emit_event(runner_.sink_, "shards_settled", step_.id, std::move(event));
  runner_.sink_.flush(kFlushLimit);
  return {};
}

Status ShardedStep::check_inputs() const {
  for (size_t i = 0; i < prepared_.views.size(); ++i)
    if (prepared_.in_shards[i] && prepared_.views[i].relation->shard_rows().size() != shards().size())
      return Error(Code::kInvalidState,
                   "the rows of step " + prepared_.views[i].from_step + " came without their shards",
                   "Run both steps in one worker.");
  return {};
}

// On this thread, and on others as far as the run has some to spare.
void ShardedStep::run_all() {
  const Driver& driver = *prepared_.driver;
  const unsigned most = driver.waits ? runner_.run_.parallel : driver.computes_alone ? runner_.run_.threads : 1;
  size_t wanted = std::min<size_t>(shards().size(), most);
  if (step_.shards->parallel_max > 0) wanted = std::min<size_t>(wanted, step_.shards->parallel_max);
  const size_t more = runner_.take_threads(wanted - 1);
  window_ = kAheadMax * (more + 1);
  side_by_side(more + 1, [this](size_t) { work(); });
  runner_.give_back_threads(more);
}

void ShardedStep::work() {
  for (;;) {
    const Shard* shard = nullptr;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return failure_ || next_ == shards().size() || next_ < accepted_ + window_; });
      if (failure_ || next_ == shards().size()) return;
      shard = &shards()[next_++];
    }
    accept(*shard, not_there_.count(place_of(*shard)) ? StepEnd() : run_shard(*shard));
  }
}

StepEnd ShardedStep::run_shard(const Shard& shard) {
  StepControl control;
  {
    const std::lock_guard lock(mutex_);
    running_.push_back(&control);
    if (failure_) control.stop(Stop::kOtherFailed);
  }
  StepEnd end;
  {
    const PartOf part(control_, control);
    StepRunner::Prepared prepared;
    prepare(shard, prepared);
    Status status = check_files(shard);
    if (status.ok()) status = runner_.run_attempts(step_, prepared, control, nullptr, end);
    if (status.ok()) status = check_files(shard);  // it may have changed under the reader
    if (!status.ok() && status.error().code != Code::kCancelled) status = status.error().within(shard.shown());
    end.status = std::move(status);
  }
  const std::lock_guard lock(mutex_);
  std::erase(running_, &control);
  return end;
}

void ShardedStep::prepare_alike(StepRunner::Prepared& prepared) const {
  prepared.driver = prepared_.driver;
  prepared.connection = prepared_.connection;
  prepared.has_connection = prepared_.has_connection;
  prepared.views = prepared_.views;
  prepared.inputs = prepared_.inputs;
  prepared.files = prepared_.files;
}

void ShardedStep::prepare(const Shard& shard, StepRunner::Prepared& prepared) const {
  prepare_alike(prepared);
  prepared.config = config_of_shard(prepared_.config, *step_.shards, shard);
  prepared.shard = &shard;
  prepared.settled = &settled_.common;
  for (const auto& [view, first_rows] : first_rows_) {
    const uint64_t count = prepared.views[view].relation->shard_rows()[place_of(shard)];
    prepared.views[view].rows = RowRange{first_rows[place_of(shard)], count};
    prepared.inputs[view].rows = count;
  }
}

// A file that came to this machine in a package has another time, and the package's hash.
Status ShardedStep::check_files(const Shard& shard) const {
  for (const std::string& pattern : patterns_) {
    const auto found = recorded_.find(fill_shard(pattern, shard));
    if (found == recorded_.end()) continue;
    const PlanFile& file = *found->second;
    const std::filesystem::path here = runner_.run_.paths.resolve(file.location);
    struct stat info{};
    if (::stat(here.c_str(), &info) != 0) continue;  // its driver says so
    const int64_t modified_ns = info.st_mtim.tv_sec * kNanosPerSecond + info.st_mtim.tv_nsec;
    const bool is_same = static_cast<uint64_t>(info.st_size) == file.size_bytes &&
                         (here != file.location || modified_ns == file.modified_ns);
    if (!is_same)
      return Error(Code::kInvalidArgument, file.path + " is no longer the file that was listed when the run began",
                   "Run again when nothing writes to it any more.", category::kExtractSchemaMismatch);
  }
  return {};
}

// Only where the shard itself is at fault, and not what all of them are read by.
bool ShardedStep::goes_on_after(const Error& error) const {
  if (!step_.shards->goes_on || error.code == Code::kCancelled || control_.stopped() != Stop::kNone) return false;
  if (error.detail[kUnsettled].as_bool() && !is_unsettled_) return false;
  const std::lock_guard lock(source_mutex_);
  return !settled_.source || !settled_.source->is_lost();
}

void ShardedStep::accept(const Shard& shard, StepEnd end) {
  const bool goes_on = end.status.ok() || goes_on_after(end.status.error());
  const std::lock_guard lock(mutex_);
  if (!goes_on) return fail(end.status.error());
  done_.emplace(place_of(shard), std::move(end));
  while (!failure_) {
    const auto next = done_.find(accepted_);
    if (next == done_.end()) break;
    const Shard& first = shards()[accepted_];
    if (!next->second.status.ok()) {
      leave_out(first, next->second.status.error());
    } else if (!not_there_.count(accepted_)) {
      if (const Status taken = take_in(first, next->second); !taken.ok()) return fail(taken.error());
    }
    done_.erase(next);
    ++accepted_;
  }
  changed_.notify_all();
}

void ShardedStep::fail(Error error) {
  if (!failure_) {
    failure_ = std::move(error);
    for (StepControl* control : running_) control->stop(Stop::kOtherFailed);
  }
  changed_.notify_all();
}

void ShardedStep::leave_out(const Shard& shard, const Error& error) {
  left_out_.push_back({place_of(shard), error});
  emit_event(runner_.sink_, "shard_failed", step_.id,
             Json::object({{"shard", shard.index},
                           {"value", shard.value},
                           {"error", error.message},
                           {"error_type", code_name(error.code)},
                           {"category", error.category},
                           {"hint", error.hint}}));
}

Status ShardedStep::take_in(const Shard& shard, StepEnd& end) {
  outcome_.rows_read += end.outcome.rows_read;
  outcome_.rows_written += end.outcome.rows_written;
  artifacts_.insert(artifacts_.end(), std::make_move_iterator(end.artifacts.begin()),
                    std::make_move_iterator(end.artifacts.end()));
  const uint64_t rows = rows_processed(step_, end);
  Json told = Json::object({{"shard", shard.index}, {"value", shard.value}, {"rows", rows}});
  if (end.relation) {
    rows_[place_of(shard)] = end.relation->rows();
    OSIRIS_ASSIGN(std::string fingerprint, union_->add(end.relation, shard.shown()));
    told.set("fingerprint", std::move(fingerprint));
    if (step_.shards->tells_columns) {
      OSIRIS_ASSIGN(Json columns, union_->columns_document(*end.relation));
      told.set("columns", std::move(columns));
    }
  }
  control_.rows += rows;
  emit_event(runner_.sink_, "shard_complete", step_.id, std::move(told));
  return {};
}

// There is no shard, and so no row.
Result<std::shared_ptr<const Relation>> ShardedStep::columns_only() {
  const Driver& driver = *prepared_.driver;
  const auto describe = step_.mode == StepMode::kExtract ? driver.declare : driver.describe;
  std::shared_ptr<const Relation> relation;
  if (describe) {
    const Json config = config_of_shard(prepared_.config, *step_.shards, Shard());
    StepDatabase database(runner_.run_.database, step_.id, prepared_.views);
    AttemptContext context({runner_.run_, step_, control_, database, runner_.sink_, runner_.log_, config,
                            prepared_.has_connection ? &prepared_.connection : nullptr, prepared_.inputs,
                            runner_.run_.worker_dir() / "scratch" / (step_.id + ".empty")});
    OSIRIS_TRY(describe(context));
    OSIRIS_TRY(database.error());
    OSIRIS_ASSIGN(relation, database.take_output());
  }
  if (relation) return relation;
  return Error(Code::kStepFailed, "step " + step_.id + " has no shard to run for, and nothing else tells its columns",
               "Leave per_shard out, so that it sees all rows at once.", category::kExtractNoData);
}

}  // namespace osiris::worker
