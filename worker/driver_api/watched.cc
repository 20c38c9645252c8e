#include "worker/driver_api/watched.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>

namespace osiris::worker {
namespace {

// While other threads have all there is to do.
constexpr std::chrono::milliseconds kPause{1};

class Statement {
 public:
  explicit Statement(duckdb_connection connection) : connection_(connection) {}
  ~Statement() {
    duckdb_destroy_pending(&pending_);
    duckdb_destroy_prepare(&prepared_);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Status begin(const std::string& sql) {
    if (duckdb_prepare(connection_, sql.c_str(), &prepared_) == DuckDBError) return refused();
    if (duckdb_pending_prepared(prepared_, &pending_) == DuckDBError) return failed();
    return {};
  }

  // False when all is done.
  Result<bool> go_on() {
    const duckdb_pending_state state = duckdb_pending_execute_task(pending_);
    if (state == DUCKDB_PENDING_ERROR) return failed();
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) std::this_thread::sleep_for(kPause);
    return !duckdb_pending_execution_is_finished(state);
  }

  Result<sql::QueryResult> result() {
    duckdb_result result;
    if (duckdb_execute_pending(pending_, &result) == DuckDBSuccess) return sql::QueryResult(result);
    const char* message = duckdb_result_error(&result);
    const Error error = sql::engine_error(duckdb_result_error_type(&result), message ? message : "no reason given");
    duckdb_destroy_result(&result);
    return error;
  }

 private:
  Error refused() {
    const char* message = duckdb_prepare_error(prepared_);
    return Error(Code::kStepFailed, message ? message : "DuckDB gave no reason");
  }
  // Its type is told by the text alone.
  Error failed() {
    const char* message = duckdb_pending_error(pending_);
    const std::string_view text = message ? message : "DuckDB gave no reason";
    return sql::engine_error(sql::type_of(text), text);
  }

  duckdb_connection connection_;
  duckdb_prepared_statement prepared_ = nullptr;
  duckdb_pending_result pending_ = nullptr;
};

}  // namespace

Result<sql::QueryResult> run_watched(StepContext& step, const std::string& sql,
                                     const std::function<void(double part)>& tick) {
  const duckdb_connection connection = step.connection_handle();
  Statement statement(connection);
  OSIRIS_TRY(statement.begin(sql));
  double seen = 0;
  for (;;) {
    if (step.is_cancelled()) return step_cancelled();
    OSIRIS_ASSIGN(const bool more, statement.go_on());
    if (!more) break;
    const double part = std::min(1.0, duckdb_query_progress(connection).percentage / 100);
    if (part > seen) tick(seen = part);
  }
  return statement.result();
}

Result<uint64_t> count_watched(StepContext& step, const std::string& sql, uint64_t rows_expected) {
  OSIRIS_ASSIGN(sql::QueryResult counted, run_watched(step, sql, [&](double part) {
                  step.progress(static_cast<uint64_t>(part * static_cast<double>(rows_expected)));
                }));
  if (step.is_cancelled()) return step_cancelled();
  const auto rows = static_cast<uint64_t>(counted.integer());
  step.progress(rows);
  return rows;
}

}  // namespace osiris::worker
