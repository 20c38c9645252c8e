#include "worker/executor/streamed_steps.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "protocol/base/text.h"
#include "protocol/model/kept_output.h"
#include "worker/driver_api/kept_rows.h"
#include "worker/executor/kept_outputs.h"

namespace osiris::worker {
namespace {

// Columns that the reader's SQL may speak of in any way: their types are seen there, even where their values are not.
std::function<bool(std::string_view)> named_in(const Json& query) {
  if (!query.is_string()) return [](std::string_view) { return false; };
  std::string text = ascii_lower(query.as_string());
  const bool all = text.find("columns") != std::string::npos || text.find("pivot") != std::string::npos ||
                   text.find('#') != std::string::npos;
  return [text = std::move(text), all](std::string_view name) {
    return all || text.find(ascii_lower(name)) != std::string::npos;
  };
}

// Its inputs are in another place than those of a stored run, which such functions would show.
bool shows_places(const Json& query) {
  const std::string text = ascii_lower(query.as_string());
  for (const char* function : {"current_database", "current_schema", "current_catalog", "search_path"})
    if (text.find(function) != std::string::npos) return true;
  return false;
}

}  // namespace

// One reader while the statement runs.
class StreamedSteps::Reading {
 public:
  Reading(StepRunner& runner, const StreamReader& reader)
      : reader_(reader),
        started_ns_(runner.clock_.monotonic_ns()),
        held_(std::make_unique<HeldRecords>(runner.clock_)),
        runner_(runner.run_, *held_, runner.log_, runner.clock_) {}

  Status begin(const std::string& from_step, std::shared_ptr<const RowStream> stream) {
    from_step_ = from_step;
    runner_.begin(reader_.step);
    OSIRIS_TRY(runner_.prepare(reader_.step, reader_.inputs, {{from_step, std::move(stream)}}, prepared_));
    if (!prepared_.driver->reads_streams) return Error(Code::kUnsupported, "the driver reads no streams");
    database_.emplace(runner_.run_.database, reader_.step.id, prepared_.views);
    return {};
  }

  // Both of the stream, where it comes straight from its source.
  struct Direct {
    ChunkedRows* chunks = nullptr;
    SourceRows* rows = nullptr;
  };
  Result<StepOutcome> run(std::function<Status()> inputs_are_sound, Direct direct) {
    if (prepared_.inputs.size() != 1 || keeps_) direct = {};
    const auto scratch = runner_.run_.worker_dir() / "scratch" / (reader_.step.id + ".streamed");
    context_.emplace(AttemptContext::Parts{runner_.run_,
                                           reader_.step,
                                           reader_.control,
                                           *database_,
                                           *held_,
                                           runner_.log_,
                                           prepared_.config,
                                           prepared_.has_connection ? &prepared_.connection : nullptr,
                                           prepared_.inputs,
                                           scratch,
                                           held_.get(),
                                           std::move(inputs_are_sound),
                                           nullptr,
                                           {},
                                           direct.chunks,
                                           direct.rows});
    reader_.control.rows = 0;
    auto outcome = prepared_.driver->run(*context_);
    std::error_code ignored;
    std::filesystem::remove_all(scratch, ignored);
    if (!database_->error().ok()) return database_->error().error();
    return outcome;
  }

  // From here on the rows of `from`, which it reads, are kept on their way to its writer.
  void keep(const PlanStep& from) {
    keeps_ = true;
    if (const Status status = database_->keep_input(file_of(from)); !status.ok()) not_kept_ = status.error();
  }
  // What has been kept, of rows that ended well.
  Result<KeptFile> kept(const PlanStep& from) {
    if (not_kept_) return *not_kept_;
    OSIRIS_ASSIGN(const uint64_t rows, database_->kept_rows()->take());
    return kept_file(from, file_of(from), rows);
  }

  StepDatabase& database() { return *database_; }
  const PlanStep& step() const { return reader_.step; }

  uint64_t rows_so_far() const { return reader_.control.rows; }

  StreamedEnd end(StepEnd end, uint64_t rows_in) {
    end.artifacts = context_->take_artifacts();
    return {&reader_.step, std::move(held_), std::move(end), from_step_, rows_in, started_ns_};
  }

 private:
  std::string file_of(const PlanStep& from) const { return runner_.run_.session_dir / kept_file_path(from.id); }

  const StreamReader& reader_;
  const int64_t started_ns_;
  std::unique_ptr<HeldRecords> held_;
  StepRunner runner_;  // whose records are held
  std::string from_step_;
  StepRunner::Prepared prepared_;
  std::optional<StepDatabase> database_;
  std::optional<AttemptContext> context_;
  bool keeps_ = false;
  std::optional<Error> not_kept_;
};

namespace {

// While it lives, a stop of any of the steps interrupts what is run there.
class Interruptible {
 public:
  Interruptible(StepControl& source, const std::vector<StreamReader>& readers, StepDatabase& database)
      : controls_{&source} {
    for (const StreamReader& reader : readers) controls_.push_back(&reader.control);
    for (StepControl* control : controls_) control->set_database(&database);
  }
  ~Interruptible() {
    for (StepControl* control : controls_) control->set_database(nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  std::vector<StepControl*> controls_;
};

}  // namespace

StreamedSteps::~StreamedSteps() {
  output_.reset();
  std::error_code ignored;
  if (context_) std::filesystem::remove_all(scratch_dir(), ignored);
}

std::filesystem::path StreamedSteps::scratch_dir() const {
  return runner_.run_.worker_dir() / "scratch" / (step_.id + ".streamed");
}

Status StreamedSteps::open() {
  const Run& run = runner_.run_;
  database_.emplace(run.database, step_.id, prepared_.views);
  AttemptContext::Parts parts{run,
                              step_,
                              control_,
                              *database_,
                              held_,
                              runner_.log_,
                              prepared_.config,
                              prepared_.has_connection ? &prepared_.connection : nullptr,
                              prepared_.inputs,
                              scratch_dir(),
                              &held_};
  parts.settles = [this] {
    settles_ = true;
    held_.pass_on(runner_.sink_, runner_.log_);
  };
  parts.files = prepared_.files;
  parts.is_for_all_shards = step_.shards.has_value();
  if (step_.shards) {
    sharded_ = std::make_unique<ShardedStep>(runner_, step_, prepared_, control_);
    OSIRIS_TRY(sharded_->begin_stream());
    if (!sharded_->has_its_files()) return {};
  }
  context_.emplace(std::move(parts));
  const Interruptible interruptible(control_, {}, *database_);
  OSIRIS_ASSIGN(output_, sharded_ ? prepared_.driver->open_shards(*context_, sharded_->settled())
                                  : prepared_.driver->open(*context_));
  return {};
}

Status StreamedSteps::run(const Readers& readers, std::vector<StreamedEnd>& ended, StepEnd& end) {
  const Status opened = open();
  bool counts = true;
  if (opened.ok() && output_ && output_->is_readable() && control_.stopped() == Stop::kNone) {
    std::vector<StreamReader> claimed = readers.claim();
    counts = read_along(claimed, ended);
    readers.give_back(ended.size());
  }
  if (counts) held_.pass_on(runner_.sink_, runner_.log_);
  OSIRIS_TRY(opened);
  if (failure_) return *failure_;
  if (ended.empty()) return {};
  end.outcome = *outcome_;
  end.rows_out = outcome_->rows_read;
  end.artifacts = context_->take_artifacts();
  end.state = take_state();
  end.kept = std::move(kept_);
  if (sharded_) {
    sharded_->tell_streamed(output_->shards());
    end.fingerprint = output_->fingerprint();
  }
  output_.reset();
  return {};
}

bool StreamedSteps::read_along(std::vector<StreamReader>& readers, std::vector<StreamedEnd>& ended) {
  for (; !readers.empty() && control_.stopped() == Stop::kNone; readers.pop_back()) {
    const Status read = this->read(readers, ended);
    if (!ended.empty()) return true;
    leave_nothing(readers);
    if (failure_) return true;
    if (read.error().code == Code::kUnsupported) continue;
    if (settles_) return true;
    output_.reset();
    return false;
  }
  return true;
}

Status StreamedSteps::read(const std::vector<StreamReader>& readers, std::vector<StreamedEnd>& ended) {
  auto source = std::make_shared<RowStream>();
  source->rows = output_->rows();
  source->functions = output_->functions();
  source->files = output_->files();
  source->bytes = output_->bytes();
  const Json& query_text = readers.front().step.cfg["query"];
  if (shows_places(query_text)) return Error(Code::kUnsupported, "the query shows where its inputs are");
  output_->must_convert(named_in(query_text));

  Reading first(runner_, readers.front());
  OSIRIS_TRY(first.begin(step_.id, source));
  std::optional<Reading> second;
  StepOutcome query_outcome;
  if (readers.size() > 1) {
    first.database().leave_queries();
    OSIRIS_ASSIGN(query_outcome, first.run({}, {}));
    if (!first.database().query_stream()) return Error(Code::kUnsupported, "the step left no query");
    second.emplace(runner_, readers[1]);
    OSIRIS_TRY(second->begin(first.step().id, first.database().query_stream()));
  }
  Reading& last = second ? *second : first;
  const PlanStep& from = second ? first.step() : step_;
  const bool keeps = from.kept.use == StepUse::kKeep;
  if (keeps) last.keep(from);
  StepEnd last_end;
  {
    const Interruptible interruptible(control_, readers, last.database());
    const Reading::Direct direct{output_->chunked_rows(), output_->source_rows()};
    auto outcome = last.run([this] { return finish_source(); }, second ? Reading::Direct() : direct);
    if (outcome.ok()) {
      last_end.outcome = *outcome;
    } else {
      last_end.status = outcome.error();
    }
  }
  // The last one has failed by itself, and the steps before have ended well or its chunks are committed: it may have
  // written what it cannot take back.
  const bool has_failed = !last_end.status.ok() && last_end.status.error().code != Code::kCancelled;
  const bool asks_for_rows = has_failed && last_end.status.error().code == Code::kUnsupported;
  if (has_failed && !asks_for_rows && !outcome_ && !output_->failure())
    if (const auto stopped = output_->stop(); stopped.ok()) outcome_ = *stopped;
  const bool is_its_own = has_failed && outcome_;
  if (!is_its_own && !last_end.status.ok()) {
    failure_ = output_->failure();
    return last_end.status;
  }
  OSIRIS_TRY(finish_source());
  if (!is_its_own) {
    OSIRIS_ASSIGN(last_end.relation, last.database().take_output());
    if (last_end.relation) last_end.rows_out = last_end.relation->rows();
  }

  const uint64_t rows = outcome_->rows_read;
  const uint64_t last_rows = !second ? rows : is_its_own ? last.rows_so_far() : last_end.outcome.rows_read;
  auto kept = keeps ? std::optional(last.kept(from)) : std::nullopt;
  // A query tells what it reads by its inputs' counts, which it had not.
  if (last.step().mode != StepMode::kWrite) last_end.outcome.rows_read += rows;
  if (second) {
    StepEnd query;
    query.outcome.rows_read = query_outcome.rows_read + rows;
    query.rows_out = last_rows;
    query.kept = std::move(kept);
    ended.push_back(first.end(std::move(query), rows));
  } else {
    kept_ = std::move(kept);
  }
  ended.push_back(last.end(std::move(last_end), last_rows));
  return {};
}

Status StreamedSteps::finish_source() {
  if (outcome_) return {};
  OSIRIS_ASSIGN(const StepOutcome outcome, output_->finish());
  if (sharded_ && !sharded_->has_its_files()) return Error(Code::kUnavailable, "a file has changed under the reader");
  outcome_ = outcome;
  return {};
}

void StreamedSteps::leave_nothing(const std::vector<StreamReader>& readers) {
  std::error_code ignored;
  for (const StreamReader& reader : readers)
    std::filesystem::remove_all(runner_.run_.artifacts_dir(reader.step.id), ignored);
}

}  // namespace osiris::worker
