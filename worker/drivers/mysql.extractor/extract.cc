#include "worker/drivers/mysql.extractor/extract.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "worker/drivers/db/key_bounds.h"
#include "worker/drivers/mysql.extractor/bound_query.h"
#include "worker/drivers/mysql.extractor/incremental_filter.h"
#include "worker/drivers/mysql.extractor/key_column.h"
#include "worker/drivers/mysql.extractor/pool.h"
#include "worker/drivers/mysql.extractor/row_reader.h"
#include "worker/drivers/mysql.extractor/statement.h"
#include "worker/drivers/mysql.extractor/texts.h"
#include "worker/drivers/mysql.extractor/warning_list.h"
#include "worker/drivers/mysql/errors.h"
#include "worker/drivers/mysql/wait_scope.h"

namespace osiris::worker::mysql {
namespace {

// How long a result whose wanted rows are here is waited on for its end, and with it for the server's warnings.
constexpr std::chrono::seconds kEndWait{2};

constexpr const char* kSplitKey = "split of foreach";

// A batch ends early at this many bytes, so that wide rows do not fill memory.
constexpr uint64_t kBatchBytesMax = 32u << 20;

std::string place_of(const ServerSettings& server) { return server.host + ":" + std::to_string(server.port); }

struct CloseStatement {
  void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
using Statement = std::unique_ptr<MYSQL_STMT, CloseStatement>;

class Extraction {
 public:
  Extraction(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, MYSQL* mysql)
      : settings_(settings), call_(call), queue_(queue), mysql_(mysql) {
    set_query(settings_.sql);
  }

  Status run() {
    OSIRIS_TRY(check_reads_only(tokens_, settings_.allows_call));
    OSIRIS_TRY(prepare());
    if (settings_.incremental) OSIRIS_TRY(leave_out_taken());
    if (settings_.range) OSIRIS_TRY(leave_out_other_parts());
    OSIRIS_TRY(execute());
    OSIRIS_TRY(skip_rows());
    OSIRIS_TRY(read_rows());
    OSIRIS_TRY(finish_call());
    return judge_warnings();
  }
  // The columns of the result, which the server knows from preparing the statement: nothing is executed.
  Result<Columns> describe() {
    OSIRIS_TRY(check_reads_only(tokens_, settings_.allows_call));
    OSIRIS_TRY(prepare());
    const unsigned count = mysql_stmt_field_count(statement_.get());
    const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement_.get());
    if (count == 0 || !fields)
      return Error(Code::kUnsupported, "the columns are known when it runs", "", category::kExtractQueryFailed);
    return columns_of(fields, count, settings_.columns);
  }
  // Only the rows that meet `condition`, those of a chunk; all have the columns that were announced.
  void narrow(const std::string& condition, size_t chunk) {
    const std::string rows = "SELECT * FROM " + subquery();
    set_query(condition.empty() ? rows : rows + " WHERE " + condition);
    chunk_ = chunk;
    is_announced_ = true;
  }
  // After describe(): its rows by the column that divides them, which `key` of the step names.
  Result<db::KeyedRows> keyed_rows(const std::string& key, const std::string& column, const Columns& columns) {
    const unsigned count = mysql_stmt_field_count(statement_.get());
    OSIRIS_ASSIGN(db::KeyedRows rows, key_of(key, column, mariadb_stmt_fetch_fields(statement_.get()), count, columns));
    rows.rows = subquery();
    rows.ask = [this](const std::string& statement) -> Result<std::optional<std::string>> {
      set_query(statement);
      OSIRIS_TRY(prepare());
      return first_text(statement_.get(), [this] { return failed(); });
    };
    return rows;
  }
  // One moment for all statements that follow, where the tables' engine has it.
  Status begin_snapshot() {
    for (const char* statement : {"ROLLBACK", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                                  "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"})
      if (mysql_query(mysql_, statement) != 0)
        return query_error(call_.step_id, settings_.server, last_error(mysql_), *call_.deadline, 0);
    return {};
  }
  // Nothing of the result is left on the wire.
  bool is_drained() const { return is_drained_; }

 private:
  Error failed() {
    return query_error(call_.step_id, settings_.server, last_error(mysql_, statement_.get()), *call_.deadline,
                       row_number_);
  }

  void set_query(std::string sql) {
    sql_ = std::move(sql);
    const bool backslash_escapes = !(mysql_->server_status & SERVER_STATUS_NO_BACKSLASH_ESCAPES);
    tokens_ = tokens_of(sql_, backslash_escapes);
  }

  // On lines of its own: the statement may end in a comment.
  std::string subquery() const { return "(\n" + without_end(tokens_, sql_) + "\n) AS osiris_rows"; }

  // Prepares the query once more, as one that leaves out the rows which the kept state does not ask for.
  Status leave_out_taken() {
    const unsigned count = mysql_stmt_field_count(statement_.get());
    const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement_.get());
    if (count == 0 || !fields) return no_rows();
    OSIRIS_ASSIGN(const Columns columns, columns_of(fields, count, settings_.columns));
    OSIRIS_ASSIGN(const std::string filter, incremental_filter(*settings_.incremental, fields, columns));
    if (filter.empty()) return {};
    set_query("SELECT * FROM " + subquery() + " WHERE " + filter);
    return prepare();
  }

  // The same for the rows of other shards.
  Status leave_out_other_parts() {
    OSIRIS_ASSIGN(const Columns columns, describe());
    OSIRIS_ASSIGN(const db::KeyedRows rows, keyed_rows(kSplitKey, settings_.range->column, columns));
    set_query("SELECT * FROM " + subquery() + " WHERE " + settings_.range->condition(rows));
    return prepare();
  }

  Status prepare() {
    statement_.reset(mysql_stmt_init(mysql_));
    if (!statement_)
      return Error(Code::kExhausted, "Step " + call_.step_id + ": out of memory", {}, category::kRuntimeMemoryExceeded);
    OSIRIS_ASSIGN(query_, BoundQuery::of(sql_, tokens_, settings_.values));
    if (call_.echo) call_.echo(query_.sql());
    if (mysql_stmt_prepare(statement_.get(), query_.sql().data(), query_.sql().size()) != 0) return failed();
    if (const unsigned long marks = mysql_stmt_param_count(statement_.get()); marks != query_.binds().size()) {
      return Error(Code::kStepFailed, "MySQL query failed: it holds " + std::to_string(marks) + " parameter marks (?)",
                   "name the value in the query, as $name, and write it under `values:`",
                   category::kExtractQueryFailed);
    }
    if (!query_.binds().empty() && mysql_stmt_bind_param(statement_.get(), query_.binds().data()) != 0) return failed();
    // One that writes its rows elsewhere has no columns, in whatever words.
    if (is_select(tokens_) && mysql_stmt_field_count(statement_.get()) == 0) return no_rows();
    return {};
  }

  static Error no_rows() {
    return Error(Code::kStepFailed, "MySQL query failed: the statement returns no rows",
                 "an extractor needs a SELECT, or another statement that returns rows", category::kExtractQueryFailed);
  }

  Status execute() {
    if (mysql_stmt_execute(statement_.get()) != 0) return failed();
    const unsigned count = mysql_stmt_field_count(statement_.get());
    const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement_.get());
    if (count == 0 || !fields) return no_rows();
    OSIRIS_ASSIGN(columns_, columns_of(fields, count, settings_.columns));
    reader_.emplace(columns_, mysql_);
    mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_USER_DATA, &*reader_);
    mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_RESULT, reinterpret_cast<const void*>(&RowReader::on_value));
    relation_ = columns_.relation();
    if (!is_announced_) queue_.announce(relation_);
    return {};
  }

  // Reads the next row to where the reader is aimed; false after the last one.
  Result<bool> fetch() {
    const int outcome = mysql_stmt_fetch(statement_.get());
    if (outcome == MYSQL_NO_DATA) {
      note_end();
      return false;
    }
    if (outcome != 0 && outcome != MYSQL_DATA_TRUNCATED) return failed();
    if (reader_->error()) return *reader_->error();
    ++row_number_;
    return true;
  }

  // The packet that ended the rows says how many warnings there are and whether another result follows (a CALL sends
  // several); the library does not look.
  void note_end() {
    const unsigned char* packet = mysql_->net.read_pos;
    if (packet[0] != 0xfe) return;
    warnings_told_ = fixed<uint16_t>(packet + 1);
    mysql_->server_status = fixed<uint16_t>(packet + 3);
    has_more_results_ = mysql_->server_status & SERVER_MORE_RESULTS_EXIST;
    is_drained_ = !has_more_results_;
  }

  // A procedure's results say nothing of warnings, only its end does. The rows are those of the first result; that the
  // rest of the procedure fails is a failure all the same.
  Status finish_call() {
    if (!has_more_results_) return {};
    reader_->aim(nullptr, 0, 0);
    int next = 0;
    while ((next = mysql_stmt_next_result(statement_.get())) == 0) {
    }
    if (next > 0) return failed();
    warnings_told_ = static_cast<uint16_t>(mysql_warning_count(mysql_));
    is_drained_ = true;
    return {};
  }

  Status skip_rows() {
    reader_->aim(nullptr, 0, 0);
    while (row_number_ < settings_.rows_skipped) {
      OSIRIS_ASSIGN(const bool is_there, fetch());
      if (!is_there) {
        is_done_ = true;
        break;
      }
    }
    return {};
  }

  Status read_rows() {
    uint64_t left = settings_.rows_max.value_or(UINT64_MAX);
    while (!is_done_ && left > 0) {
      OSIRIS_ASSIGN(db::Batch batch, read_batch(std::min(left, settings_.batch_rows)));
      left -= batch.rows;
      batch.chunk = chunk_;
      if (batch.rows > 0 && !queue_.offer(std::move(batch))) return cancelled_error(call_.step_id);
    }
    return is_done_ ? Status() : look_for_end();
  }

  // The server knows `limit` and ends the result by itself, unless the query has a LIMIT of its own.
  Status look_for_end() {
    reader_->aim(nullptr, 0, 0);
    call_.deadline->set(Connection::Clock::now() + kEndWait);
    const Result<bool> more = fetch();
    if (call_.deadline->is_cancelled()) return cancelled_error(call_.step_id);
    call_.deadline->set(std::nullopt);
    if (!more.ok() || *more)
      say("the result was cut after the rows wanted: the server's warnings on them are not known");
    return {};
  }

  void say(const std::string& line) const {
    if (call_.log) call_.log(line);
  }

  // What the server warned of, once the last row is here. The rows count only if it changed none.
  Status judge_warnings() {
    if (warnings_told_ == 0) return {};
    OSIRIS_ASSIGN(const Warnings warnings, read_warnings(mysql_, warnings_told_, [this] {
                    return query_error(call_.step_id, settings_.server, last_error(mysql_), *call_.deadline,
                                       row_number_);
                  }));
    const bool filters_only = converts_in_filters_only(tokens_);
    const Status status = judge(warnings, filters_only, call_.step_id);
    if (!status.ok() && settings_.on_warning == OnWarning::kError) return status;
    for (const Warning& warning : warnings.all())
      if (!warning.is_note)
        say((changes_values(warning, filters_only) ? "the server changed values: " : "the server warned: ") +
            words(warning));
    if (warnings.told() > warnings.count())
      say("the server warned " + std::to_string(warnings.told()) + " times and lists " +
          std::to_string(warnings.count()));
    return {};
  }

  Result<db::Batch> read_batch(uint64_t rows_max) {
    db::Batch batch;
    const uint64_t bytes_before = reader_->bytes();
    while (!is_done_ && batch.rows < rows_max && batch.bytes < kBatchBytesMax) {
      auto chunk = queue_.used_chunk();
      if (!chunk) chunk = std::make_unique<db::Chunk>(relation_);
      const size_t chunk_rows_max = std::min<uint64_t>(rows_max - batch.rows, duckdb_vector_size());
      size_t rows = 0;
      while (rows < chunk_rows_max && reader_->bytes() - bytes_before < kBatchBytesMax) {
        reader_->aim(chunk.get(), rows, row_number_ + 1);
        OSIRIS_ASSIGN(const bool is_there, fetch());
        if (!is_there) {
          is_done_ = true;
          break;
        }
        ++rows;
      }
      chunk->set_rows(rows);
      batch.rows += rows;
      batch.bytes = reader_->bytes() - bytes_before;
      if (rows > 0) batch.chunks.push_back(std::move(chunk));
    }
    return batch;
  }

  const ExtractSettings& settings_;
  const CallContext& call_;
  db::RowQueue& queue_;
  MYSQL* mysql_;
  std::string sql_;
  std::vector<Token> tokens_;  // of it
  BoundQuery query_;
  Columns columns_;
  db::RelationColumns relation_;
  std::optional<RowReader> reader_;
  uint64_t row_number_ = 0;
  size_t chunk_ = 0;
  bool is_announced_ = false;
  bool is_done_ = false;
  bool is_drained_ = false;
  bool has_more_results_ = false;
  uint16_t warnings_told_ = 0;
  Statement statement_;
};

Status read_once(Extraction& extraction, Connection& connection, bool& is_drained) {
  Status status = extraction.run();
  is_drained = extraction.is_drained();
  // Closing a statement reads the rest of its result; the rest of a large one is not worth it.
  if (!status.ok() || !is_drained) connection.abandon();
  return status;
}

// One statement for each chunk, over the same connection and in one snapshot.
Status read_chunks(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue,
                   Connection& connection, bool& is_drained) {
  Extraction whole(settings, call, queue, connection.handle());
  OSIRIS_TRY(whole.begin_snapshot());
  OSIRIS_ASSIGN(const Columns columns, whole.describe());
  OSIRIS_ASSIGN(const db::KeyedRows rows, whole.keyed_rows("'partition'", settings.partition->column, columns));
  ChunkPlan plan;
  OSIRIS_ASSIGN(plan.bounds, db::key_bounds(rows, settings.partition->chunk_rows));
  queue.offer_chunks(std::move(plan), db::identity_of_rows(place_of(settings.server) + "\n" + settings.server.database,
                                                           settings.sql + "\n" + settings.values.dump_canonical(),
                                                           columns.relation(), settings.partition->column));
  queue.announce(columns.relation());
  const auto choice = queue.choice();
  if (!choice) return cancelled_error(call.step_id);
  is_drained = true;
  const size_t count = choice->by_chunk ? choice->chunks.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    if (!queue.begin_range(i)) return cancelled_error(call.step_id);
    Extraction one(settings, call, queue, connection.handle());
    one.narrow(choice->by_chunk ? db::range_condition(rows, choice->plan.bounds, choice->chunks[i]) : "", i);
    OSIRIS_TRY(read_once(one, connection, is_drained));
    queue.end_range(i);
  }
  return {};
}

}  // namespace

Result<Columns> describe(const ExtractSettings& settings, const CallContext& call) {
  OSIRIS_ASSIGN(ConnectionPool::Lease lease,
                ConnectionPool::of_process().acquire(settings.server, settings.pool, call));
  const WaitScope scope(*call.deadline);
  db::RowQueue none;
  return Extraction(settings, call, none, lease->handle()).describe();
}

Result<Json> ask_for_bounds(const ExtractSettings& settings, const CallContext& call, db::SourceUse& use,
                            const db::KeySplit& split) {
  OSIRIS_ASSIGN(const db::SourceUse::Transaction turn, use.open(place_of(settings.server), call.step_id));
  OSIRIS_ASSIGN(ConnectionPool::Lease lease,
                ConnectionPool::of_process().acquire(settings.server, settings.pool, call));
  const WaitScope scope(*call.deadline);
  if (const uint32_t limit_s = settings.limits.statement_limit_s(); limit_s > 0)
    OSIRIS_TRY(lease->limit_statements(limit_s, settings.server, call));
  db::RowQueue none;
  Extraction extraction(settings, call, none, lease->handle());
  OSIRIS_ASSIGN(const Columns columns, extraction.describe());
  OSIRIS_ASSIGN(const db::KeyedRows rows, extraction.keyed_rows(kSplitKey, split.column, columns));
  return db::ask_for_bounds(split, rows);
}

Status extract(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use) {
  OSIRIS_ASSIGN(db::SourceUse::Transaction turn, use.open(place_of(settings.server), call.step_id));
  OSIRIS_ASSIGN(ConnectionPool::Lease lease,
                ConnectionPool::of_process().acquire(settings.server, settings.pool, call));
  turn.begin();
  const WaitScope scope(*call.deadline);
  if (const uint32_t limit_s = settings.limits.statement_limit_s(); limit_s > 0)
    OSIRIS_TRY(lease->limit_statements(limit_s, settings.server, call));
  if (settings.rows_max && *settings.rows_max <= UINT64_MAX - settings.rows_skipped)
    OSIRIS_TRY(lease->limit_rows(settings.rows_skipped + *settings.rows_max, settings.server, call));
  Status status;
  bool is_drained = false;
  if (settings.partition) {
    status = read_chunks(settings, call, queue, *lease, is_drained);
  } else {
    Extraction extraction(settings, call, queue, lease->handle());
    status = read_once(extraction, *lease, is_drained);
  }
  if (status.ok() && is_drained && lease->end_transaction(settings.server, call).ok()) lease.declare_clean();
  return status;
}

}  // namespace osiris::worker::mysql
