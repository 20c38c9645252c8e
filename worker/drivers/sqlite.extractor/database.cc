#include "worker/drivers/sqlite.extractor/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "protocol/base/categories.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::worker::sqlite_in {
namespace {

constexpr size_t kHeaderBytes = 100;
constexpr char kMagic[] = "SQLite format 3";  // with its zero
constexpr int kBusyMs = 5'000;
constexpr int kStepsPerLook = 20'000;  // of SQLite's machine, between two looks at cancellation

// No other file is opened by a statement, and no function loads one.
int authorize(void*, int action, const char*, const char*, const char*, const char*) {
  return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY : SQLITE_OK;
}

int stop_if_cancelled(void* step) { return static_cast<const StepContext*>(step)->is_cancelled() ? 1 : 0; }

// A path as the URI that carries `mode`.
std::string uri(const std::filesystem::path& file, const char* query) {
  std::string encoded;
  for (const std::string& part : split(file.native(), '/'))
    encoded += (encoded.empty() && part.empty() ? "" : "/") + percent_encode(part);
  return "file:" + encoded + "?" + query;
}

}  // namespace

Database::~Database() { sqlite3_close(database_); }

Error Database::error(const std::string& what) const {
  if (step_.is_cancelled()) return step_cancelled();
  const int code = database_ ? sqlite3_errcode(database_) : SQLITE_NOMEM;
  const std::string text = shown_ + ": " + what + ": " + (database_ ? sqlite3_errmsg(database_) : "out of memory");
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return Error(Code::kInvalidArgument, text, "is it a SQLite file, and not encrypted or cut short?",
                   category::kExtractSchemaMismatch);
    case SQLITE_CORRUPT:
      return Error(Code::kInvalidArgument, text, "the file is damaged: restore it, or try `sqlite3 FILE .recover`",
                   category::kExtractSchemaMismatch);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(Code::kUnavailable, text, "another program holds it locked: run again when it is done",
                   category::kSystemResourceUnavailable);
    case SQLITE_NOMEM:
      return Error(Code::kExhausted, text, {}, category::kRuntimeMemoryExceeded);
    default:
      return Error(Code::kInvalidArgument, text, {}, category::kExtractQueryFailed);
  }
}

// SQLite reads zeros where a file ends too early, and takes them for values.
Status Database::check_size(const std::filesystem::path& file) const {
  unsigned char head[kHeaderBytes] = {};
  const FileDescriptor opened = FileDescriptor::open(file, O_RDONLY);
  if (!opened.is_open()) return errno_error(errno, "cannot read", shown_);
  std::error_code code;
  const uint64_t size = std::filesystem::file_size(file, code);
  if (code || size == 0 || ::pread(opened.get(), head, sizeof head, 0) != static_cast<ssize_t>(sizeof head) ||
      std::string_view(reinterpret_cast<char*>(head), sizeof kMagic) != std::string_view(kMagic, sizeof kMagic))
    return {};  // SQLite says what it is
  const auto number = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | head[at + i];
    return value;
  };
  const uint64_t page = number(16, 2) == 1 ? 65536 : number(16, 2), pages = number(28, 4);
  const auto cut = [&](const std::string& why) {
    return Error(Code::kInvalidArgument, shown_ + " is cut short: " + why, "was it copied while it was being written?",
                 category::kExtractSchemaMismatch);
  };
  if (page == 0) return {};
  if (size % page != 0) return cut(std::to_string(size) + " bytes are no whole pages of " + std::to_string(page));
  // The count is of the last writer that keeps it.
  if (number(24, 4) == number(92, 4) && size / page < pages)
    return cut("it has " + std::to_string(size / page) + " pages of " + std::to_string(pages));
  return {};
}

Status Database::open(const std::filesystem::path& file, std::string shown) {
  shown_ = std::move(shown);
  OSIRIS_TRY(check_size(file));
  const auto try_open = [&](const char* query) {
    sqlite3_close(database_);
    database_ = nullptr;
    int result = sqlite3_open_v2(uri(file, query).c_str(), &database_,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX, nullptr);
    if (result != SQLITE_OK) return result;
    sqlite3_busy_timeout(database_, kBusyMs);
    // Text in double quotes is a name: a name that is not there is no text.
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_progress_handler(database_, kStepsPerLook, stop_if_cancelled, const_cast<StepContext*>(&step_));
    result = sqlite3_exec(database_, "BEGIN", nullptr, nullptr, nullptr);
    return result == SQLITE_OK
               ? sqlite3_exec(database_, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr)
               : result;
  };
  int result = try_open("mode=ro");
  // In a directory that cannot be written to, a database in WAL mode is read as it is: no process can be writing there.
  if ((result & 0xff) == SQLITE_CANTOPEN || (result & 0xff) == SQLITE_READONLY) {
    std::error_code ignored;
    if (std::filesystem::file_size(file.native() + "-wal", ignored) == 0 || ignored) result = try_open("immutable=1");
  }
  if (result != SQLITE_OK) return error("cannot be opened");
  sqlite3_set_authorizer(database_, authorize, nullptr);
  return {};
}

Status Statement::prepare(const std::string& sql) {
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(database_.handle(), sql.c_str(), static_cast<int>(sql.size()) + 1, &statement_, &rest) !=
      SQLITE_OK)
    return database_.error("the query is refused");
  const auto wrong = [&](const char* why, const char* hint) {
    return Error(Code::kInvalidArgument, database_.shown() + ": " + why, hint, category::kExtractQueryFailed);
  };
  if (!statement_) return wrong("the query is empty", "write a SELECT");
  if (!trim(rest ? rest : "").empty()) return wrong("the query is more than one statement", "write one SELECT");
  if (!sqlite3_stmt_readonly(statement_)) return wrong("the query writes, and the file is only read", "write a SELECT");
  if (sqlite3_column_count(statement_) == 0) return wrong("the query gives no rows", "write a SELECT");
  if (sqlite3_bind_parameter_count(statement_) > 0)
    return wrong("the query has parameters (? or :name), which nothing gives values to", "write the values");
  return {};
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return database_.error("reading failed");
  }
}

Status Statement::rewind() {
  return sqlite3_reset(statement_) == SQLITE_OK ? Status() : Status(database_.error("reading failed"));
}

}  // namespace osiris::worker::sqlite_in
