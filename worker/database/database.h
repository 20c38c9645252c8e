// The run's database: opened once, shared by all steps. A step's output is a table in an in-memory database of its own,
// attached under a random name; it is freed when the last shared_ptr to its Relation goes. A step works through a
// StepDatabase, which gives it connections, views of its inputs and a place for its output, and takes all that away
// again.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/database/engine.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {

class KeptRows;

// A trusted connection of our own. Statements fail as values.
class Connection {
 public:
  explicit Connection(duckdb_connection handle) : handle_(handle) {}
  ~Connection() {
    if (handle_) duckdb_disconnect(&handle_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  duckdb_connection handle() const { return handle_; }
  // The caller disconnects it.
  duckdb_connection release() { return std::exchange(handle_, nullptr); }
  Status execute(const std::string& sql);
  // The first value of the first row, 0 when there is none.
  Result<uint64_t> single_number(const std::string& sql);

 private:
  duckdb_connection handle_;
};

class Database;

// An in-memory database attached under a random name, until this goes.
class AttachedDatabase {
 public:
  AttachedDatabase(std::shared_ptr<Database> owner, std::string name)
      : owner_(std::move(owner)), name_(std::move(name)) {}
  ~AttachedDatabase();
  AttachedDatabase(const AttachedDatabase&) = delete;
  AttachedDatabase& operator=(const AttachedDatabase&) = delete;
  const std::string& name() const { return name_; }

 private:
  std::shared_ptr<Database> owner_;
  std::string name_;
};

// A finished step's output. Immutable; its rows are freed with it.
class Relation {
 public:
  Relation(std::shared_ptr<AttachedDatabase> database, std::string table, uint64_t rows,
           std::vector<uint64_t> shard_rows = {}, std::vector<size_t> missing_shards = {})
      : database_(std::move(database)),
        table_(std::move(table)),
        rows_(rows),
        shard_rows_(std::move(shard_rows)),
        missing_shards_(std::move(missing_shards)) {}

  const std::string& database() const { return database_->name(); }
  sql::TableName name() const { return {database_->name(), "main", table_}; }
  std::string qualified_name() const;  // quoted
  uint64_t rows() const { return rows_; }
  // Of each shard, in the order in which they stand here; empty: it has none.
  const std::vector<uint64_t>& shard_rows() const { return shard_rows_; }
  // Places of shards that did not come, ascending: they have no rows here, and the rows are not all there are.
  const std::vector<size_t>& missing_shards() const { return missing_shards_; }
  // The same rows, as those of shards.
  std::shared_ptr<const Relation> with_shards(std::vector<uint64_t> shard_rows,
                                              std::vector<size_t> missing_shards = {}) const {
    return std::make_shared<Relation>(database_, table_, rows_, std::move(shard_rows), std::move(missing_shards));
  }

 private:
  std::shared_ptr<AttachedDatabase> database_;
  std::string table_;
  uint64_t rows_;
  std::vector<uint64_t> shard_rows_;
  std::vector<size_t> missing_shards_;
};

// Rows of a relation that follow each other.
struct RowRange {
  uint64_t first = 0, count = 0;
};

struct DatabaseOptions {
  uint64_t memory_limit_bytes = 0;  // for the whole process; 0: 80 % of memory
  unsigned threads = 0;             // 0: all cores
  std::filesystem::path spill_dir;
};

// The engine of a run to come, opened by a thread of its own.
class EngineAhead {
 public:
  EngineAhead();
  ~EngineAhead();
  EngineAhead(const EngineAhead&) = delete;
  EngineAhead& operator=(const EngineAhead&) = delete;
  // Once; waits for it. The caller closes the database.
  Result<duckdb_database> take();

 private:
  Result<duckdb_database> opened_{nullptr};
  std::thread thread_;
  bool has_begun_;
};

// [any thread]
class Database : public std::enable_shared_from_this<Database> {
 public:
  // `ahead`: the engine that open() takes; null: it opens one.
  explicit Database(DatabaseOptions options, std::shared_ptr<EngineAhead> ahead = nullptr)
      : options_(std::move(options)), ahead_(std::move(ahead)) {}
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Opens it if it is not open; a few milliseconds. Every later call returns the first failure.
  Status open();
  Result<std::unique_ptr<Connection>> connect();
  // Makes connections and databases for the next `steps` calls of connect() and attach(), so that they find one.
  void make_spares(size_t steps);
  uint64_t spill_bytes() const;

  // Relations that came from, or go to, another worker.
  Result<std::shared_ptr<const Relation>> import_parquet(const std::filesystem::path& file, const std::string& table);
  // `rows`: those alone; none: all.
  Status export_parquet(const Relation& relation, const std::filesystem::path& file,
                        const std::optional<RowRange>& rows = std::nullopt);

  // A new one with nothing in it. The database is open.
  Result<std::unique_ptr<AttachedDatabase>> attach();
  void detach(const std::string& name);

 private:
  Result<std::unique_ptr<Connection>> make_connection();
  Result<std::string> make_attached();  // its name

  DatabaseOptions options_;
  std::shared_ptr<EngineAhead> ahead_;
  mutable std::mutex mutex_;
  duckdb_database handle_ = nullptr;
  std::mutex keeper_mutex_;
  std::unique_ptr<Connection> keeper_;  // attaches and detaches
  std::mutex spares_mutex_;
  std::vector<std::unique_ptr<Connection>> spare_connections_;
  std::vector<std::string> spare_attached_;  // names
  Status opened_;
  bool tried_ = false;
};

// Without the random database names, which mean nothing to a reader.
std::string without_random_names(std::string_view text);

// What keeps a relation that came from another worker from being read.
Error of_sent_relation(const Error& error);

// Rows that are made while they are read, and what the statement that reads them touches. Read once.
struct RowStream {
  std::string rows;  // what to SELECT * FROM
  std::vector<std::string> functions, files;
  uint64_t bytes = 0;  // of the rows as text, about
  std::vector<std::shared_ptr<const Relation>> relations;
  std::vector<std::shared_ptr<const AttachedDatabase>> views;
};

struct StepInput {
  std::vector<std::string> names;            // views to make: "df_x", "input_df"
  std::shared_ptr<const Relation> relation;  // null: a stream
  std::string from_step = {};                // for messages, where the name does not show it
  std::shared_ptr<const RowStream> stream = {};
  std::optional<RowRange> rows = {};  // those of `relation` that the views show; none: all
};

// One attempt of one step. interrupt() may be called from any thread; the rest by the step's.
class StepDatabase {
 public:
  // `unknown`: names of further inputs, whose columns only a run can tell; for describe_confined().
  StepDatabase(std::shared_ptr<Database> database, std::string step_id, std::vector<StepInput> inputs,
               std::vector<std::string> unknown = {});
  ~StepDatabase();  // what was made and not taken is gone

  // Null only when the engine cannot make one, which error() then explains.
  duckdb_connection handle();
  duckdb_connection open_another();
  const sql::TableName& output_table();
  // Lets the connection of a step that reads streams write this file, too.
  void may_write(const std::string& file);
  // The only input is a stream: what this step hands to a BatchWriter of its rows goes into this file too. An error
  // where the file cannot hold them.
  Status keep_input(const std::string& file);
  // Null: nothing is kept.
  KeptRows* kept_rows() const { return kept_.get(); }
  Result<uint64_t> run_confined(std::string_view sql, const Json& values = Json());
  Status describe_confined(std::string_view sql, const Json& values = Json());
  // From here on run_confined() runs nothing: its query becomes query_stream(), and it returns 0 rows. kUnsupported
  // where that cannot be.
  void leave_queries() { leaves_queries_ = true; }
  // What run_confined() left; null: nothing.
  std::shared_ptr<const RowStream> query_stream() const { return left_; }
  // The output, if the step made a table; the rows are counted.
  Result<std::shared_ptr<const Relation>> take_output();
  void interrupt();
  const Status& error() const { return error_; }

 private:
  bool has_streams() const;
  Status make_stream_views(Connection& connection, const std::string& database);
  Access input_access() const;
  Status leave_query(duckdb_connection confined, std::string_view sql, const Json& values, const ScriptTarget& target);
  Status ensure_connection();
  Status ensure_output();
  // Calls `run` with a confined connection, its access and its target.
  Result<uint64_t> with_confined(
      const std::function<Result<uint64_t>(duckdb_connection, Access, const ScriptTarget&)>& run);

  std::shared_ptr<Database> database_;
  std::string step_id_;
  std::vector<StepInput> inputs_;
  std::vector<std::string> unknown_;
  std::mutex mutex_;  // guards the two connections against interrupt()
  std::unique_ptr<Connection> connection_, confined_;
  std::shared_ptr<AttachedDatabase> views_;  // of a step with streams
  std::vector<std::string> written_files_;
  std::unique_ptr<KeptRows> kept_;
  std::unique_ptr<AttachedDatabase> output_;
  sql::TableName output_table_;
  std::optional<uint64_t> rows_made_;  // by run_confined(); none: the driver may have made others
  bool leaves_queries_ = false;
  std::shared_ptr<const RowStream> left_;
  Status error_;
};

}  // namespace osiris::worker
