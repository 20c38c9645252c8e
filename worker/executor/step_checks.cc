#include "worker/executor/step_checks.h"

#include <cmath>
#include <optional>
#include <string>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "worker/executor/check_query.h"
#include "worker/executor/step_records.h"

namespace osiris::worker {
namespace {

constexpr uint64_t kStoredRowsMax = 10'000;
constexpr size_t kNamedMax = 5;
constexpr size_t kFileNameBytesMax = 100;

// What came of one check.
struct Outcome {
  uint64_t failing = 0;  // rows; of row_count and freshness 1
  std::string message;   // why it failed
  std::string stored;    // below the session's directory; empty: nothing
};

std::string counted_rows(uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

// "3 of 10 rows have NULL in id".
std::string message_of(const DataCheck& check, uint64_t failing, uint64_t rows) {
  const std::string columns = join(check.columns, ", ");
  const std::string head = std::to_string(failing) + " of " + counted_rows(rows);
  switch (check.kind) {
    case CheckKind::kNotNull:
      return head + " have NULL in " + columns;
    case CheckKind::kUnique:
      return head + " share their values of " + columns + " with another row";
    case CheckKind::kAcceptedValues:
      return head + " have a value of " + columns + " that is not accepted";
    case CheckKind::kRelationships:
      return head + " have a value of " + columns + " that is not in " + check.to_column + " of step " + check.to_step;
    case CheckKind::kRange:
      return head + " have " + columns + " out of range";
    case CheckKind::kPattern:
      return head + " have a value of " + columns + " that is unlike the pattern";
    default:
      return "the query found " + counted_rows(failing);
  }
}

// "2-not_null_id_.csv": the number keeps names apart that differ in what a file's name does not hold.
std::string file_name(size_t index, const std::string& name) {
  std::string safe;
  for (const char c : name.substr(0, kFileNameBytesMax)) {
    const bool is_kept = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    safe += is_kept ? c : '_';
  }
  return std::to_string(index + 1) + "-" + safe + ".csv";
}

class OneCheck {
 public:
  OneCheck(const CheckedStep& step, const DataCheck& check, size_t index)
      : step_(step), check_(check), index_(index), database_(step.run.database, step.step.id, views()) {
    step_.control.set_database(&database_);
  }
  ~OneCheck() { step_.control.set_database(nullptr); }
  OneCheck(const OneCheck&) = delete;
  OneCheck& operator=(const OneCheck&) = delete;

  Result<Outcome> run() {
    auto outcome = look();
    if (outcome.ok() && database_.error().ok()) return outcome;
    Error error = database_.error().ok() ? outcome.error() : database_.error().error();
    error.message = without_random_names(error.message);
    return error;
  }

 private:
  std::vector<StepInput> views() const {
    std::vector<StepInput> views = step_.views;
    views.push_back(checked_rows(step_.step, step_.rows));
    return views;
  }

  Result<Outcome> look() {
    switch (check_.kind) {
      case CheckKind::kRowCount:
        return look_at_count();
      case CheckKind::kFreshness:
        return look_at_age();
      case CheckKind::kSql:
        return look_at_query();
      default:
        return look_at_rows();
    }
  }

  Outcome look_at_count() const {
    const uint64_t rows = step_.rows->rows();
    const bool is_few = !check_.min.is_null() && rows < check_.min.as_uint();
    const bool is_many = !check_.max.is_null() && rows > check_.max.as_uint();
    if (!is_few && !is_many) return {};
    const std::string wanted = check_.min == check_.max ? check_.min.dump()
                               : is_few                 ? "at least " + check_.min.dump()
                                                        : "at most " + check_.max.dump();
    return {1, counted_rows(rows) + ", where " + wanted + " are wanted", {}};
  }

  Result<Outcome> look_at_age() {
    if (!database_.handle()) return Outcome();
    OSIRIS_ASSIGN(const CheckSource rows, check_source(database_.handle(), *step_.rows));
    OSIRIS_ASSIGN(const std::string query, newest_value(check_, rows));
    OSIRIS_ASSIGN(auto result, sql::run_query(database_.handle(), query));
    const std::string& column = check_.columns[0];
    if (result.rows() == 0 || duckdb_value_is_null(result.get(), 0, 0))
      return Outcome{1, "no row has a value of " + column, {}};
    const double age_s = static_cast<double>(step_.clock.unix_ns()) / 1e9 - duckdb_value_double(result.get(), 0, 0);
    if (age_s <= check_.max_age_s) return Outcome();
    return Outcome{1,
                   "the newest value of " + column + " is " + std::to_string(std::llround(age_s)) +
                       " s old, where at " + "most " + std::to_string(std::llround(check_.max_age_s)) +
                       " s are allowed",
                   {}};
  }

  Result<Outcome> look_at_rows() {
    if (!database_.handle()) return Outcome();
    OSIRIS_ASSIGN(const CheckSource rows, check_source(database_.handle(), *step_.rows));
    std::optional<CheckSource> target;
    if (const Relation* relation = target_rows()) {
      OSIRIS_ASSIGN(target, check_source(database_.handle(), *relation));
    }
    OSIRIS_ASSIGN(const std::string query, failing_rows(check_, rows, target ? &*target : nullptr));
    OSIRIS_ASSIGN(auto count, sql::run_query(database_.handle(), "SELECT count(*) FROM (" + query + ")"));
    return judged(static_cast<uint64_t>(count.integer()), "(" + query + ")", rows.columns);
  }

  Result<Outcome> look_at_query() {
    OSIRIS_ASSIGN(const uint64_t failing, database_.run_confined(check_.text));
    if (failing == 0) return Outcome();
    OSIRIS_ASSIGN(const auto found, database_.take_output());
    if (!found || !database_.handle()) return judged(failing, "", {});
    OSIRIS_ASSIGN(const CheckSource rows, check_source(database_.handle(), *found));
    return judged(failing, rows.name, rows.columns);
  }

  const Relation* target_rows() const {
    if (check_.to_step == step_.step.id) return step_.rows.get();
    const auto found = step_.sources.find(check_.to_step);
    return found == step_.sources.end() ? nullptr : found->second.get();
  }

  Result<Outcome> judged(uint64_t failing, const std::string& source, const std::vector<FileColumn>& columns) {
    if (failing == 0) return Outcome();
    Outcome outcome{failing, message_of(check_, failing, step_.rows->rows()), {}};
    if (check_.stores_failures && !columns.empty()) {
      OSIRIS_ASSIGN(outcome.stored, store(source, columns));
    }
    return outcome;
  }

  // As texts, for people: every type has one, and CSV opens everywhere.
  Result<std::string> store(const std::string& source, const std::vector<FileColumn>& columns) {
    std::string list, keys;
    for (const FileColumn& column : columns) {
      const std::string name = sql::quote_identifier(column.name);
      list += (list.empty() ? "" : ", ") + ("CAST(" + name + " AS VARCHAR) AS " + name);
    }
    if (check_.kind == CheckKind::kUnique)  // rows that are alike stand together
      for (const std::string& column : check_.columns)
        keys += (keys.empty() ? " ORDER BY r." : ", r.") + sql::quote_identifier(column);
    const std::string name = file_name(index_, check_.name);
    const auto directory = step_.run.artifacts_dir(step_.step.id) / "checks";
    OSIRIS_TRY(make_directories(directory));
    const Status copied =
        sql::execute(database_.handle(), "COPY (SELECT " + list + " FROM (SELECT * FROM " + source + " AS r" + keys +
                                             " LIMIT " + std::to_string(kStoredRowsMax) + ")) TO " +
                                             sql::quote_literal((directory / name).string()) + " (FORMAT csv, HEADER)");
    if (!copied.ok()) return copied.error().within("the rows that fail cannot be stored");
    return "artifacts/" + step_.step.id + "/checks/" + name;
  }

  const CheckedStep& step_;
  const DataCheck& check_;
  const size_t index_;
  StepDatabase database_;
};

Json event_of(const DataCheck& check, const Result<Outcome>& outcome, uint64_t rows) {
  const bool failed = !outcome.ok() || outcome->failing > 0;
  Json event = Json::object({{"check", check.name},
                             {"type", check_kind_name(check.kind)},
                             {"severity", check.only_warns ? "warn" : "error"},
                             {"status", !outcome.ok() ? "error"
                                        : failed      ? "fail"
                                                      : "pass"},
                             {"rows", rows},
                             {"failures", outcome.ok() ? Json(outcome->failing) : Json()}});
  if (failed) event.set("message", outcome.ok() ? outcome->message : outcome.error().message);
  if (outcome.ok() && !outcome->stored.empty()) event.set("stored", outcome->stored);
  return event;
}

// Of all that a step must not pass with.
class Verdict {
 public:
  void add(const DataCheck& check, const Result<Outcome>& outcome) {
    ++checks_;
    if (outcome.ok() && (outcome->failing == 0 || check.only_warns)) return;
    if (!outcome.ok() && !broken_) broken_ = outcome.error();
    if (++failed_ <= kNamedMax)
      reasons_ += (failed_ == 1 ? "" : "; ") + check.name + ": " +
                  (outcome.ok() ? outcome->message : "it cannot be run: " + outcome.error().message);
  }

  Status status() const {
    if (failed_ == 0) return {};
    const std::string more = failed_ > kNamedMax ? "; and " + std::to_string(failed_ - kNamedMax) + " more" : "";
    const std::string head = checks_ == 1
                                 ? "its check failed: "
                                 : std::to_string(failed_) + " of " + std::to_string(checks_) + " checks failed: ";
    const bool lacks_something = broken_ && broken_->code == Code::kExhausted;
    return Error(lacks_something ? Code::kExhausted : Code::kStepFailed, head + reasons_ + more,
                 broken_ && !broken_->hint.empty()
                     ? broken_->hint
                     : "Mend the rows, or the check. `store_failures: true` keeps the rows that fail, `severity: warn` "
                       "lets the run go on.",
                 lacks_something ? category::kRuntimeMemoryExceeded : category::kValidationFailed);
  }

 private:
  size_t checks_ = 0, failed_ = 0;
  std::string reasons_;
  std::optional<Error> broken_;
};

}  // namespace

Status run_checks(const CheckedStep& checked) {
  Verdict verdict;
  for (size_t i = 0; i < checked.step.checks.size(); ++i) {
    const DataCheck& check = checked.step.checks[i];
    auto outcome = checked.rows ? OneCheck(checked, check, i).run()
                                : Result<Outcome>(Error(Code::kInvalidArgument, "the step made no rows"));
    if (checked.control.stopped() != Stop::kNone) return Error(Code::kCancelled, "stopped");
    if (outcome.ok() && !outcome->stored.empty())
      emit_event(checked.sink, "artifact_created", checked.step.id,
                 Json::object({{"artifact_type", "check_failures"}, {"path", outcome->stored}}));
    emit_event(checked.sink, "check_result", checked.step.id,
               event_of(check, outcome, checked.rows ? checked.rows->rows() : 0));
    verdict.add(check, outcome);
  }
  return verdict.status();
}

}  // namespace osiris::worker
