// What a driver is and what it is given. A driver does one step: an extractor fills the step's output relation from
// somewhere, a transformer from its inputs, a writer carries its input somewhere. Drivers are plain functions listed by
// name in worker/drivers.cc; they know nothing of RPC, of the run, or of each other.
#pragma once

#include <duckdb.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"
#include "worker/driver_api/chunked_rows.h"
#include "worker/driver_api/sql.h"
#include "worker/driver_api/step_cancelled.h"

namespace osiris::worker {

// A relation this step may read. `name` ("df_<step>", and "input_df" as well for an only input) is a read-only view on
// the step's connection; other steps' relations are not there.
struct Input {
  std::string name;
  std::string from_step;
  uint64_t rows = 0;
  // The step before makes its rows while this one reads them, once: `rows` is 0, and a statement may scan it only once.
  bool is_streamed = false;
};

// A connection of osiris_connections.yaml with its secrets filled in. Lives as long as the step; never logged.
struct ConnectionFields {
  std::string family;
  std::string alias;
  Json fields;  // object; secret values included
  // {"db.example.org": ["203.0.113.5"]}: what the machine that sent the run found for names in `fields`. For use where
  // a look-up here leads nowhere; TLS goes on checking the name. An object; often empty.
  Json addresses;
};

// Where a path of the pipeline is on this machine.
struct PlannedPath {
  std::filesystem::path absolute;
  // The plan names it among the step's files, and `absolute` is what the plan says. Otherwise it is the path as
  // written, relative ones starting in the work directory: what a driver adds to it (a base_dir) is not in it yet.
  bool is_planned = false;
};

// A file that a pattern of the pipeline's found.
struct MatchedFile {
  std::string path;  // as the pipeline would write it
  std::filesystem::path absolute;
};

struct OutputFile {
  std::string path;              // as the pipeline wrote it
  std::filesystem::path target;  // absolute, where it goes on this machine
};

// Rows of a stream as their source's server sends them, for a reader that knows the form and writes the same: they are
// not made the engine's in between.
class SourceRows {
 public:
  // Only drivers of the same server know more of it, by a dynamic_cast.
  struct Form {
    virtual ~Form() = default;
  };
  struct Piece {
    std::string_view bytes;  // of whole rows; they live until the next call
    uint64_t rows = 0;
  };
  virtual ~SourceRows() = default;
  // Null: the source has no form of its own, or none that is the same as its rows.
  virtual const Form* form() const = 0;
  // From here on they come by next_piece(), and no statement scans the stream. False: one did.
  virtual bool take() = 0;
  // Nothing at the end. It may wait, and looks for itself whether the step is cancelled.
  virtual Result<std::optional<Piece>> next_piece() = 0;
};

// Which shard of its step an attempt reads (docs/shards.md).
struct ShardPlace {
  uint64_t index = 0;   // in the list
  const Json& rule;     // what the shards are of: {"files": "in/*.csv"}, {"split": {...}}
  const Json& settled;  // Settled::common of all of them; null: nothing
};

// Whose step it is, for what a run leaves on a server and a later one goes on from.
struct StepOrigin {
  std::string pipeline;  // empty: no later run finds what this one leaves
  std::string run_id;
  std::string worker;    // its version
  bool resumes = false;  // the user asked for what an earlier run has left
};

// Everything a driver may touch, for one attempt at one step. All members may be called from any thread the driver
// starts, as long as they are joined before run() returns.
class StepContext {
 public:
  virtual ~StepContext() = default;

  virtual const std::string& step_id() const = 0;
  // The step's cfg without `component` and `connection`: only what the component's spec allows, already validated.
  virtual const Json& config() const = 0;
  virtual const ConnectionFields* connection() const = 0;  // null when the step has none
  virtual const std::vector<Input>& inputs() const = 0;
  // Of the only input, where it is a stream with nothing between it and its source. Null: there is no such form.
  virtual SourceRows* source_rows() { return nullptr; }
  // Of the only input, where it is a stream that comes straight from its source. Null: its rows have no chunks.
  virtual ChunkedRows* chunked_rows() { return nullptr; }
  virtual StepOrigin origin() const { return {}; }

  // Where a path of the pipeline is to be read, or written.
  virtual PlannedPath input_file(std::string_view path) const = 0;
  virtual PlannedPath output_file(std::string_view path) const = 0;
  // What the plan says a pattern of the pipeline's found, in its order; empty where it says nothing of that pattern.
  virtual std::vector<MatchedFile> matched_files(std::string_view pattern) const = 0;
  virtual const std::filesystem::path& artifacts_dir() const = 0;  // <session>/artifacts/<step>, exists
  virtual const std::filesystem::path& scratch_dir() const = 0;    // private to this attempt, removed after it

  // The step's own connection to the run's database; valid until run() returns. Trusted: it may read and write files.
  // The driver must not close it. For statements of its own on a second thread a driver opens another one.
  virtual duckdb_connection connection_handle() = 0;
  // Opens another connection to the same database, without this step's views; the caller disconnects it.
  virtual duckdb_connection open_connection() = 0;
  // The table the driver creates as its output ("CREATE TABLE " + output_table().quoted() + " AS ..."). A step that
  // creates none has no output.
  virtual const sql::TableName& output_table() const = 0;
  // Runs one SQL text of the user's, confined: it sees the inputs and nothing else, cannot touch files, settings,
  // extensions or other databases. Several statements are run in order; the last one's result becomes output_table().
  // `values`: null or an object, each member bound where the SQL names it ($key). Returns the rows of the result.
  virtual Result<uint64_t> run_confined(std::string_view sql, const Json& values) = 0;

  // Binds that SQL without running its last statement, and makes output_table() with the columns it would have and no
  // rows. Inputs may be empty.
  virtual Status describe_confined(std::string_view sql, const Json& values) = 0;
  // For a driver that has read its inputs and is about to show the world a result: an error where a streamed input
  // turns out not to be what its step would have stored. What fails once it has succeeded is the step's own failure,
  // and nothing is run again.
  virtual Status inputs_are_sound() { return {}; }
  // Of open(), before it reads the source to its end: however the statement that reads the stream ends, run() is not
  // called, store() is; and what is said from here on is said for good.
  virtual void settles() {}
  // Lets statements on connection_handle() write this file with COPY, where reading a streamed input confines it.
  virtual void may_write(const std::string& /*file*/) {}

  // Null: the attempt is for the whole step.
  virtual const ShardPlace* shard() const { return nullptr; }
  // What this step gave set_state() when the pipeline last ran to a good end; null: never, or it was reset.
  virtual const Json& state() const = 0;
  // What the step is to be given next time, an object. The host keeps it once the whole run has ended well; the last
  // call of an attempt that succeeds counts. An error where it cannot be kept: it holds a secret, or is too large.
  virtual Status set_state(Json state) = 0;

  // True once the run is cancelled, the step timed out or the host is gone; from then on. Poll it between batches, and
  // return step_cancelled().
  // Running statements on connection_handle() are interrupted by the worker itself.
  virtual bool is_cancelled() const = 0;
  // Total rows so far, for heartbeats.
  virtual void progress(uint64_t rows) = 0;
  // Bytes taken in or written so far, and of how many; 0: unknown.
  virtual void progress_bytes(uint64_t done, uint64_t total) = 0;
  virtual void event(std::string_view name, Json fields) = 0;
  virtual void metric(std::string_view name, double value, std::string_view unit = {}) = 0;
  virtual void log(std::string_view text) = 0;
  // Declares a file this step wrote, complete and closed at `target`: it is hashed, reported and collected. `digest` is
  // of the bytes as they were written, where the driver hashed them on the way: then they are not read again.
  virtual Status add_output(const OutputFile& file, uint64_t rows, std::optional<FileDigest> digest) = 0;
  Status add_output(const OutputFile& file, uint64_t rows) { return add_output(file, rows, std::nullopt); }
  // Environment the user passed, for drivers that start processes: {"NAME":"value"}.
  virtual const Json& passed_environment() const = 0;
  // The worker's settings (docs/worker-protocol.md, prepare.settings).
  virtual const Json& settings() const = 0;
};

struct StepOutcome {
  uint64_t rows_read = 0;     // taken in from outside or from inputs
  uint64_t rows_written = 0;  // carried outside, by writers
};

// Of one shard in a stream of all of them.
struct StreamedShard {
  uint64_t rows = 0;
  std::string fingerprint;  // in decimal
};

// A step's output that is not stored: the statement of the step that reads it makes its rows. What goes wrong while it
// is read goes wrong without a trace, and the step is run as if this had not been tried.
class StreamedOutput {
 public:
  virtual ~StreamedOutput() = default;
  // False: it can only be stored after all.
  virtual bool is_readable() const { return true; }
  // What to SELECT * FROM, once, and which table functions and files that touches. Functions have names that cannot be
  // guessed.
  virtual std::string rows() const = 0;
  virtual std::vector<std::string> functions() const = 0;
  virtual std::vector<std::string> files() const { return {}; }
  // The same rows in the source's own form, for a reader that takes them so instead; null: there is none.
  virtual SourceRows* source_rows() { return nullptr; }
  virtual uint64_t bytes() const { return 0; }  // of its rows as text, where the engine does not count what reads them
  // Before the scan: columns whose names this accepts are converted even where the statement does not read them.
  virtual void must_convert(std::function<bool(std::string_view name)> /*accepts*/) {}
  // Once, after the scan: what run() would have returned. An error, whichever, where the rows given are not the rows
  // that run() would have stored, or not all of them.
  virtual Result<StepOutcome> finish() = 0;
  // The same rows in chunks, for a reader that takes them so; null: they have none.
  virtual ChunkedRows* chunked_rows() { return nullptr; }
  // After finish(), of a stream of shards: what was read of each, in their order, and the fingerprint of what was given
  // to the reader, which is the sum of theirs.
  virtual std::vector<StreamedShard> shards() const { return {}; }
  virtual std::string fingerprint() const { return {}; }
  // In the place of finish(), where a reader that claimed the chunks has failed by itself: what it has committed stays,
  // so the steps are not run one after the other. kUnsupported where none did.
  virtual Result<StepOutcome> stop() { return Error(Code::kUnsupported, "the rows were not read in chunks"); }
  // After a scan that did not come to its end: what its own source said, where run() would have failed with just that.
  // Then it is the step's error and run() is not called: the source would be asked twice, and may say something else.
  virtual std::optional<Error> failure() const { return std::nullopt; }
  // No step reads it after all: what was begun is stored, as run() would store it. nullopt: run() is called. After
  // settles() also where a statement that read the rows has failed.
  virtual std::optional<Result<StepOutcome>> store(StepContext&) { return std::nullopt; }
};

// Something at the source that the shards of a step read by, such as the transaction whose snapshot they share.
class SharedSource {
 public:
  virtual ~SharedSource() = default;
  // Blocking, for two seconds at most. Then what the shards have read is of no use beside what they would read now.
  virtual bool is_lost() = 0;
};

// What the shards of a step have in common.
struct Settled {
  Json common;                           // kept in shards.json, and given to each of them; null: nothing
  std::unique_ptr<SharedSource> source;  // lives as long as they run; null: none
};

// The key of an error's detail that says: a shard's values are not what the first rows of all shards let expect.
inline constexpr const char* kUnsettled = "unsettled";

struct Driver {
  // The component's name, "mysql.extractor".
  std::string_view name;
  // Runs the step. Blocking; returns soon after is_cancelled() with code kCancelled. On error no half output is left.
  Result<StepOutcome> (*run)(StepContext&);
  // Answers "can this connection be used from here?" without moving data; null when there is nothing to check.
  Status (*check)(StepContext&) = nullptr;
  // Makes output_table() with the columns that run() would give it, as far as that can be known without moving more
  // than a sample of the data; its rows are of no account. Null when only run() can tell.
  Status (*describe)(StepContext&) = nullptr;
  // describe() asks the step's connection, which happens only where the user wants it (`osiris validate --connect`).
  bool describe_connects = false;
  // Opens the output as a stream. Null: run() is called, in the same attempt. An error is the one that run() would have
  // returned, and the step's. A null pointer when it never can.
  Result<std::unique_ptr<StreamedOutput>> (*open)(StepContext&) = nullptr;
  // Makes output_table() without rows, of the columns that the config declares. Null: a config declares none.
  Status (*declare)(StepContext&) = nullptr;
  // Before the first shard of a step is read: what one read of all of them would find out, the types of columns that
  // nothing declares and the bounds of a split. The config still has "${shard.value}", by which matched_files() gives
  // the files of all shards. `again`: a shard failed with kUnsettled in its error's detail, and all of them are looked
  // at whole. Null: shards have nothing to settle.
  Result<Settled> (*settle)(StepContext&, const Json& rule, bool again) = nullptr;
  // Opens the rows of all shards of the step as one stream, in their order. The config is that of settle(), whose
  // answer is given. Null, or a null pointer where it cannot: shards are read one by one. An error is the step's.
  Result<std::unique_ptr<StreamedOutput>> (*open_shards)(StepContext&, const Json& settled) = nullptr;
  // It knows the rule `split`.
  bool splits = false;
  // One shard keeps about one core busy, so that several are read at the same time.
  bool computes_alone = false;
  // Reads inputs that are streamed. kUnsupported, before it reads, asks for a stored one.
  bool reads_streams = false;
  // run() hands each row of its only input to write_rows() (batch_writer.h), once, unless it takes them in a form of
  // their source's: what is written can be kept on the way.
  bool writes_batches = false;
  // run() consists of a query of the user's, run_confined(); its rows may be made by the step that reads them.
  bool is_query = false;
  // Its steps wait, for a server or a child process, more than they compute: they run beside all others.
  bool waits = false;
  // The run's database is opened as the run begins. Without it when a step first asks for it, which then waits for it.
  bool uses_database = true;
};

// Of a step's state as JSON.
inline constexpr size_t kStateBytesMax = 256 * 1024;

// What a driver looks at to describe its output.
inline constexpr uint64_t kSampleRows = 1000;

}  // namespace osiris::worker
