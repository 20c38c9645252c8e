#include "worker/database/database.h"

#include <algorithm>
#include <cctype>

#include "protocol/base/categories.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "protocol/base/thread.h"
#include "protocol/model/memory_limit.h"
#include "worker/database/catalog_changes.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/kept_rows.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

constexpr std::string_view kNamePrefix = "osiris_";
constexpr size_t kNameDigits = 32;  // 128 bits

// A process needs memory beside the engine's own accounting: code, stacks, records under way, and the holes an
// allocator is left with. Measured: a limit of 512 MiB ends in a peak of 560 to 600 MiB.
uint64_t engine_limit(uint64_t process_limit) {
  if (process_limit == 0) return 0;
  const uint64_t reserve = std::max(kWorkerMemoryBytesMin, process_limit / 16 * 3);
  return std::max(kEngineMemoryBytesMin, process_limit > reserve ? process_limit - reserve : 0);
}

// The engine's own statements: what fails in them is the worker's fault and not the step's, unless it was stopped or
// full.
Error result_error(duckdb_result& result) {
  const char* text = duckdb_result_error(&result);
  Error error =
      sql::engine_error(duckdb_result_error_type(&result), without_random_names(text ? text : "unknown error"));
  if (error.code == Code::kStepFailed) error.code = Code::kInternal;
  return error;
}

}  // namespace

std::string without_random_names(std::string_view text) {
  std::string out;
  size_t start = 0;
  for (size_t at; (at = text.find(kNamePrefix, start)) != std::string_view::npos;) {
    size_t end = at + kNamePrefix.size();
    while (end < text.size() && std::isxdigit(static_cast<unsigned char>(text[end]))) ++end;
    if (end - at - kNamePrefix.size() != kNameDigits) {
      out += text.substr(start, end - start);
      start = end;
      continue;
    }
    const bool in_quotes = at > start && text[at - 1] == '"' && end < text.size() && text[end] == '"';
    out += text.substr(start, at - start - (in_quotes ? 1 : 0));
    start = end + (in_quotes ? 1 : 0);
    for (const std::string_view tail : {".main.", ".\"main\".", "."}) {
      if (text.substr(start).starts_with(tail)) {
        start += tail.size();
        break;
      }
    }
  }
  return out += text.substr(start);
}

Status Connection::execute(const std::string& sql) {
  duckdb_result result;
  const bool failed = duckdb_query(handle_, sql.c_str(), &result) != DuckDBSuccess;
  Status status;
  if (failed) status = result_error(result);
  duckdb_destroy_result(&result);
  return status;
}

Result<uint64_t> Connection::single_number(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(handle_, sql.c_str(), &result) != DuckDBSuccess) {
    const Error error = result_error(result);
    duckdb_destroy_result(&result);
    return error;
  }
  uint64_t number = 0;
  if (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
    if (duckdb_data_chunk_get_size(chunk) > 0)
      number =
          static_cast<uint64_t>(*static_cast<int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0))));
    duckdb_destroy_data_chunk(&chunk);
  }
  duckdb_destroy_result(&result);
  return number;
}

namespace {

std::string random_name() { return std::string(kNamePrefix) + to_hex(random_bytes(kNameDigits / 2)); }

Access trusted_access() {
  Access access;
  access.trusted = true;
  return access;
}

constexpr size_t kSparesMax = 64;

template <class Spare>
std::optional<Spare> take_spare(std::vector<Spare>& spares, std::mutex& mutex) {
  const std::lock_guard lock(mutex);
  if (spares.empty()) return std::nullopt;
  std::optional<Spare> spare(std::move(spares.back()));
  spares.pop_back();
  return spare;
}

}  // namespace

AttachedDatabase::~AttachedDatabase() { owner_->detach(name_); }

std::string Relation::qualified_name() const { return name().quoted(); }

// Where the machine has no more threads, it is opened when it is taken.
EngineAhead::EngineAhead() : has_begun_(begin_thread(thread_, [this] { opened_ = open_engine(); })) {}

EngineAhead::~EngineAhead() {
  if (!has_begun_) return;
  if (auto left = take(); left.ok() && *left) duckdb_close(&*left);
}

Result<duckdb_database> EngineAhead::take() {
  if (thread_.joinable()) thread_.join();
  if (!std::exchange(has_begun_, true)) return open_engine();
  return std::exchange(opened_, nullptr);
}

Database::~Database() {
  spare_connections_.clear();
  keeper_.reset();
  if (handle_) duckdb_close(&handle_);
}

Status Database::open() {
  const std::lock_guard lock(mutex_);
  if (tried_) return opened_;
  tried_ = true;
  EngineOptions engine;
  engine.memory_limit_bytes = engine_limit(options_.memory_limit_bytes);
  engine.threads = options_.threads;
  engine.spill_dir = options_.spill_dir;
  auto opened = ahead_ ? ahead_->take() : open_engine();
  ahead_.reset();
  if (!opened.ok()) return opened_ = opened.error();
  handle_ = *opened;
  if (opened_ = settle_engine(handle_, engine); !opened_.ok()) return opened_;
  duckdb_connection connection = nullptr;
  if (duckdb_connect(handle_, &connection) != DuckDBSuccess)
    return opened_ = Error(Code::kInternal, "cannot connect to the run's own database");
  set_access(connection, trusted_access());
  keeper_ = std::make_unique<Connection>(connection);
  return opened_ = keeper_->execute("SET GLOBAL TimeZone = 'UTC'");
}

Result<std::unique_ptr<Connection>> Database::make_connection() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(handle_, &connection) != DuckDBSuccess)
    return Error(Code::kExhausted, "cannot open another connection to the run's database", "",
                 category::kRuntimeMemoryExceeded);
  set_access(connection, trusted_access());
  return std::make_unique<Connection>(connection);
}

Result<std::unique_ptr<Connection>> Database::connect() {
  OSIRIS_TRY(open());
  if (auto spare = take_spare(spare_connections_, spares_mutex_)) return *std::move(spare);
  return make_connection();
}

void Database::make_spares(size_t steps) {
  if (!open().ok()) return;
  for (size_t i = 0; i < std::min(steps, kSparesMax); ++i) {
    auto attached = make_attached();
    auto connection = make_connection();
    if (!attached.ok() || !connection.ok()) return;
    const std::lock_guard lock(spares_mutex_);
    spare_attached_.push_back(*std::move(attached));
    spare_connections_.push_back(*std::move(connection));
  }
}

uint64_t Database::spill_bytes() const {
  const std::lock_guard lock(mutex_);
  return engine_spill_bytes(handle_);
}

Result<std::string> Database::make_attached() {
  std::string name = random_name();
  const std::lock_guard lock(keeper_mutex_);
  const Status status = attach_in_memory(keeper_->handle(), name);
  if (!status.ok()) return status.error().within("cannot make room for a relation");
  return name;
}

Result<std::unique_ptr<AttachedDatabase>> Database::attach() {
  OSIRIS_TRY(open());
  auto name = take_spare(spare_attached_, spares_mutex_);
  if (!name) {
    OSIRIS_ASSIGN(name, make_attached());
  }
  return std::make_unique<AttachedDatabase>(shared_from_this(), *std::move(name));
}

void Database::detach(const std::string& name) {
  const std::lock_guard lock(keeper_mutex_);
  detach_in_memory(keeper_->handle(), name);
}

Error of_sent_relation(const Error& error) {
  Error sent = error.within("cannot read the relation that was sent");
  sent.message = without_random_names(sent.message);
  if (sent.code == Code::kInternal || sent.code == Code::kStepFailed) sent.code = Code::kInvalidArgument;
  return sent;
}

Result<std::shared_ptr<const Relation>> Database::import_parquet(const std::filesystem::path& file,
                                                                 const std::string& table) {
  OSIRIS_ASSIGN(const auto connection, connect());
  OSIRIS_ASSIGN(auto database, attach());
  const auto rows = create_from_parquet(connection->handle(), {database->name(), "main", table},
                                        sql::quote_literal(file.string()), FileReader::kWorker);
  if (!rows.ok()) return of_sent_relation(rows.error());
  return std::shared_ptr<const Relation>(std::make_shared<Relation>(std::move(database), table, *rows));
}

// The engine numbers a relation's rows from 0 and without gaps.
Status Database::export_parquet(const Relation& relation, const std::filesystem::path& file,
                                const std::optional<RowRange>& rows) {
  OSIRIS_ASSIGN(const auto connection, connect());
  const auto columns = file_columns(connection->handle(), relation.name(), FileFormat::kParquet, FileReader::kWorker);
  std::string source = relation.qualified_name();
  if (rows)
    source = "(SELECT * FROM " + source + " WHERE rowid >= " + std::to_string(rows->first) + " AND rowid < " +
             std::to_string(rows->first + rows->count) + ")";
  const std::string options = std::string(kParquetZstd) + ", DICTIONARY_SIZE_LIMIT " +
                              std::to_string(kKeptDictionaryMax) + ", WRITE_BLOOM_FILTER false";
  const Status status =
      columns.ok() ? write_file(connection->handle(), source, *columns, FileFormat::kParquet, file.string(), options)
                   : Status(columns.error());
  if (!status.ok()) {
    Error error = status.error().within("cannot write the relation as Parquet");
    error.message = without_random_names(error.message);
    return error;
  }
  return {};
}

}  // namespace osiris::worker
