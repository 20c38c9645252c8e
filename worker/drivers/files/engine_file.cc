#include "worker/drivers/files/engine_file.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/thread.h"

namespace osiris::worker::files {
namespace {

constexpr std::chrono::milliseconds kLookForCancel{50};
// The other engine's share: it reads and writes in pieces, and spills what a query needs beyond.
constexpr uint64_t kMemoryMin = uint64_t{128} << 20, kMemoryMax = uint64_t{1} << 30;

// What DuckDB says of a file it cannot open, in words of the pipeline.
Error open_error(const std::string& shown, const std::string& text) {
  const auto has = [&](const char* words) { return text.find(words) != std::string::npos; };
  if (has("Could not set lock"))
    return Error(Code::kUnavailable, shown + ": another program has it open", "run again when that is done",
                 category::kSystemResourceUnavailable);
  if (has("not a valid DuckDB database file"))
    return Error(Code::kInvalidArgument, shown + " is no DuckDB database file", "is it cut short, or of another kind?",
                 category::kExtractSchemaMismatch);
  if (has("newer version") || has("version number"))
    return Error(Code::kUnsupported, shown + " was written by another version of DuckDB: " + text,
                 "export and import it, or write it with STORAGE_VERSION 'v1.5.0' or older",
                 category::kExtractSchemaMismatch);
  return Error(Code::kInvalidArgument, shown + " cannot be opened: " + text, {}, category::kExtractSchemaMismatch);
}

class Appender {
 public:
  ~Appender() { duckdb_appender_destroy(&appender_); }
  Status open(duckdb_connection connection, const sql::TableName& table) {
    return checked(duckdb_appender_create_ext(connection, table.catalog.empty() ? nullptr : table.catalog.c_str(),
                                              table.schema.c_str(), table.table.c_str(), &appender_));
  }
  Status append(duckdb_data_chunk chunk) { return checked(duckdb_append_data_chunk(appender_, chunk)); }
  Status close() { return checked(duckdb_appender_close(appender_)); }

 private:
  Status checked(duckdb_state state) {
    return state == DuckDBSuccess ? Status() : Status(sql::appender_error(appender_));
  }
  duckdb_appender appender_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<EngineFile>> EngineFile::open(StepContext& step, const std::filesystem::path& file,
                                                     Access access, std::string shown) {
  std::unique_ptr<EngineFile> opened(new EngineFile(step, std::move(shown)));
  const uint64_t memory =
      std::clamp(step.settings()["memory_limit_bytes"].as_uint(kMemoryMax * 4) / 4, kMemoryMin, kMemoryMax);
  const std::pair<const char*, std::string> settings[] = {
      {"access_mode", access == Access::kRead ? "READ_ONLY" : "READ_WRITE"},
      {"enable_external_access", "false"},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"temp_directory", (step.scratch_dir() / "spill").string()},
      {"memory_limit", std::to_string(memory) + "B"},
      {"lock_configuration", "true"}};
  duckdb_config config = nullptr;
  duckdb_create_config(&config);
  for (const auto& [name, value] : settings) duckdb_set_config(config, name, value.c_str());
  char* text = nullptr;
  const duckdb_state state = duckdb_open_ext(file.c_str(), &opened->database_, config, &text);
  duckdb_destroy_config(&config);
  if (state == DuckDBError) {
    const std::string reason = text ? text : "no reason given";
    duckdb_free(text);
    return open_error(opened->shown_, reason);
  }
  if (duckdb_connect(opened->database_, &opened->connection_) == DuckDBError)
    return Error(Code::kInternal, opened->shown_ + ": the engine gives no connection");
  if (!begin_thread(opened->watcher_, [engine = opened.get()] { engine->watch(); }))
    return no_more_threads(opened->shown_);
  return opened;
}

void EngineFile::watch() {
  while (!is_done_) {
    if (step_.is_cancelled()) duckdb_interrupt(connection_);
    std::this_thread::sleep_for(kLookForCancel);
  }
}

EngineFile::~EngineFile() {
  is_done_ = true;
  if (watcher_.joinable()) watcher_.join();
  duckdb_disconnect(&connection_);
  duckdb_close(&database_);
}

QueryRows::~QueryRows() {
  duckdb_destroy_data_chunk(&chunk_);
  if (has_result_) duckdb_destroy_result(&result_);
  duckdb_destroy_pending(&pending_);
  duckdb_destroy_prepare(&prepared_);
}

Status QueryRows::open(duckdb_connection connection, const std::string& select) {
  if (duckdb_prepare(connection, select.c_str(), &prepared_) == DuckDBError)
    return Error(Code::kStepFailed, duckdb_prepare_error(prepared_));
  if (duckdb_pending_prepared_streaming(prepared_, &pending_) == DuckDBError)
    return Error(Code::kStepFailed, duckdb_pending_error(pending_));
  has_result_ = true;
  if (duckdb_execute_pending(pending_, &result_) == DuckDBSuccess) return {};
  const char* text = duckdb_result_error(&result_);
  return sql::engine_error(duckdb_result_error_type(&result_), text ? text : "no reason given");
}

Result<duckdb_data_chunk> QueryRows::next() {
  duckdb_destroy_data_chunk(&chunk_);
  if (step_.is_cancelled()) return step_cancelled();
  chunk_ = duckdb_fetch_chunk(result_);
  if (chunk_) {
    rows_ += duckdb_data_chunk_get_size(chunk_);
    step_.progress(rows_);
    return chunk_;
  }
  if (step_.is_cancelled()) return step_cancelled();
  const char* text = duckdb_result_error(&result_);
  if (text && *text) return sql::engine_error(duckdb_result_error_type(&result_), text);
  is_complete_ = true;
  return nullptr;
}

Result<uint64_t> transfer_rows(StepContext& step, duckdb_connection from, const std::string& select,
                               duckdb_connection to, const sql::TableName& table) {
  QueryRows rows(step);
  OSIRIS_TRY(rows.open(from, select));
  Appender appender;
  OSIRIS_TRY(appender.open(to, table));
  for (;;) {
    OSIRIS_ASSIGN(const duckdb_data_chunk chunk, rows.next());
    if (!chunk) break;
    OSIRIS_TRY(appender.append(chunk));
  }
  OSIRIS_TRY(appender.close());
  return rows.count();
}

}  // namespace osiris::worker::files
