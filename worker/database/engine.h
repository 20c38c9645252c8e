// The few things only DuckDB's C++ API can do: open a database whose file system asks which connection is calling,
// check the plan of every statement before it runs, and run a user's script statement by statement. Everything else in
// the worker uses the C API. docs/decisions/0001-confining-sql.md says why the confinement is built this way.
//
// Access is by allow-list. A connection can do nothing until it is given an access: kTrusted ones (our drivers) may
// reach files and every relation; confined ones may read the databases they were given, write their scratch database,
// and reach no file. A connection that DuckDB itself opens while binding a step's SQL has no access at all. The
// engine's own accesses, which come without a connection, may touch the spill directory only.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/plan.h"

namespace osiris::worker {

struct EngineOptions {
  uint64_t memory_limit_bytes = 0;  // DuckDB's own limit; 0: DuckDB's default, 80 % of memory
  unsigned threads = 0;             // 0: all cores
  std::filesystem::path spill_dir;  // absolute; made when something spills
};
// What opening takes is the same for every run, so that it may begin before anything is known of one. The caller closes
// the database, after every connection.
Result<duckdb_database> open_engine();
// Once, before anything but connecting is done with it.
Status settle_engine(duckdb_database database, const EngineOptions& options);

// Bytes now in the spill directory.
uint64_t engine_spill_bytes(duckdb_database database);

// What one connection may do, see above.
struct Access {
  bool trusted = false;
  std::vector<std::string> readable_databases;  // by their attached names
  std::string scratch_database;                 // readable and writable; empty: none yet
  std::string output_database;                  // writable
  // What a step that reads streams may do beside: scan with these functions, which read these files, and hand rows to
  // a BatchWriter or copy them into these files.
  std::vector<std::string> streams, stream_files, written_files;
  uint64_t stream_bytes = 0;  // of their rows as text, about
};
void set_access(duckdb_connection connection, Access access);
// Makes duckdb_query_progress() tell how far this connection's statements are. Nothing is printed.
void measure_progress(duckdb_connection connection);

struct ScriptTarget {
  // Attaches a database for what the script makes on its way, at the first call; returns its name.
  std::function<Result<std::string>()> scratch_database;
  std::string output_database;  // attached already
  std::string output_table;
  std::vector<std::string> inputs;          // names of tables it reads
  std::vector<std::string> inputs_shown;    // the same for hints, with the step where the name does not show it
  std::vector<std::string> unknown_inputs;  // those of them that have no columns yet, for describe_script()
};
// Runs `sql` on a confined connection whose `access` is given here (scratch and output are filled in from `target`);
// the last statement's rows become output_database.main.output_table. `values`: an object; the SQL names each as $key.
// Returns the number of rows. kStepFailed with the engine's text when the SQL is at fault, kCancelled when it was
// interrupted, kExhausted when memory or spill space ran out.
Result<uint64_t> run_script(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                            const ScriptTarget& target);
// Makes output_database.main.output_table a view that gives the rows of `sql`, which is run by the statement that reads
// the view. kUnsupported for all but a single SELECT that only reads and names its columns differently.
Status leave_query(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                   const ScriptTarget& target);
// Binds `sql` and makes output_database.main.output_table with the columns that running it would give, and no rows.
// Statements before the last are run: they only reach the scratch database. kUnsupported when the columns depend on the
// rows (PIVOT) or on those of an unknown input: then the SQL was parsed, and every table it names is an input or its
// own. Otherwise the errors of run_script().
Status describe_script(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                       const ScriptTarget& target);

}  // namespace osiris::worker
