// Run counters per pipeline in counters.sqlite, a file that Python Osiris reads and writes too: hence SQLite, WAL and
// its table.
#include <sqlite3.h>

#include <cerrno>
#include <memory>

#include "host/project/project.h"
#include "host/project/run_index.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr int kPauseMs = 5;
// Each run reads all of the log before it adds a page. Once it has 32 of them it goes into the database.
constexpr uint64_t kLogBytesMax = uint64_t{128} << 10;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Error failure(sqlite3* db, const std::filesystem::path& file) {
  const int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
  const int number = db ? sqlite3_system_errno(db) : ENOMEM;
  const std::string what =
      "The run counter cannot be used: cannot " + std::string(code == SQLITE_CANTOPEN ? "open" : "use");
  if (code == SQLITE_READONLY) return of_own_files(errno_error(EROFS, what, file));
  if (code == SQLITE_FULL) return errno_error(ENOSPC, what, file);
  if (number != 0 && (code == SQLITE_CANTOPEN || code == SQLITE_IOERR))
    return of_own_files(errno_error(number, what, file));
  const bool busy = code == SQLITE_BUSY || code == SQLITE_LOCKED;
  return Error(
      busy                   ? Code::kUnavailable
      : code == SQLITE_NOMEM ? Code::kExhausted
                             : Code::kInvalidArgument,
      "The run counter " + file.string() + " cannot be used: " + (db ? sqlite3_errmsg(db) : "out of memory"),
      busy ? "another run holds it; try again" : "if the file is damaged, remove it: counting starts at 1 again");
}

// Takes the next value in one transaction; closing the file undoes what did not get as far as its commit.
Result<int64_t> take_next(const std::filesystem::path& file, std::string_view pipeline_id, const std::string& now) {
  sqlite3* opened = nullptr;
  const int status =
      sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  const Database db(opened);
  if (status != SQLITE_OK) return failure(opened, file);
  sqlite3_busy_timeout(opened, kBusyTimeoutMs);
  // No flush per run, and on closing only for a long log: a number that a dead machine forgot is told apart by the ULID
  // beside it.
  std::error_code none;
  const auto log_bytes = std::filesystem::file_size(file.string() + "-wal", none);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, none || log_bytes < kLogBytesMax ? 1 : 0, nullptr);
  constexpr const char* kBegin =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE;"
      "CREATE TABLE IF NOT EXISTS counters(pipeline_slug TEXT PRIMARY KEY, last_value INTEGER NOT NULL, updated_at "
      "TEXT NOT NULL);";
  if (sqlite3_exec(opened, kBegin, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(opened, file);

  constexpr const char* kNext =
      "INSERT INTO counters(pipeline_slug, last_value, updated_at) VALUES(?1, 1, ?2) "
      "ON CONFLICT(pipeline_slug) DO UPDATE SET last_value = last_value + 1, updated_at = ?2 RETURNING last_value";
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(opened, kNext, -1, &prepared, nullptr) != SQLITE_OK) return failure(opened, file);
  Statement statement(prepared);
  sqlite3_bind_text(prepared, 1, pipeline_id.data(), static_cast<int>(pipeline_id.size()), SQLITE_STATIC);
  sqlite3_bind_text(prepared, 2, now.data(), static_cast<int>(now.size()), SQLITE_STATIC);
  if (sqlite3_step(prepared) != SQLITE_ROW) return failure(opened, file);
  const int64_t value = sqlite3_column_int64(prepared, 0);
  if (sqlite3_step(prepared) != SQLITE_DONE) return failure(opened, file);
  statement.reset();
  if (sqlite3_exec(opened, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) return failure(opened, file);
  return value;
}

}  // namespace

Result<int64_t> RunIndex::next_counter(std::string_view pipeline_id, const Clock& clock) const {
  if (const Status made = make_directories(dir_); !made.ok()) return of_own_files(made.error());
  const std::string now = format_iso8601_micros(clock.unix_ns());
  // SQLite's own waiting (the busy timeout) does not cover the moment in which another process turns a new file to WAL:
  // there it refuses at once, because waiting could deadlock. Hence the whole transaction is tried again.
  const int64_t give_up_ns = system_clock().monotonic_ns() + int64_t{kBusyTimeoutMs} * 1'000'000;
  for (;;) {
    Result<int64_t> value = take_next(dir_ / "counters.sqlite", pipeline_id, now);
    const bool busy = !value.ok() && value.error().code == Code::kUnavailable;
    if (!busy || system_clock().monotonic_ns() >= give_up_ns) return value;
    sqlite3_sleep(kPauseMs);
  }
}

}  // namespace osiris
