#include "worker/driver_api/batch_writer.h"

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/function/copy_function.hpp>
#include <duckdb/main/capi/capi_internal.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <duckdb/main/config.hpp>
#include <duckdb/main/database.hpp>
#include <duckdb/parser/parsed_data/create_copy_function_info.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/chunk_batches.h"
#include "worker/driver_api/direct_write.h"
#include "worker/driver_api/driver.h"
#include "worker/driver_api/kept_rows_copy.h"
#include "worker/driver_api/name_index.h"
#include "worker/driver_api/sql.h"
#include "worker/driver_api/write_pace.h"

namespace osiris::worker {
namespace {

constexpr const char* kFormat = "osiris_batches";
// For each batch of the source the engine works off one piece of work, and a batch that is written is two of them
// (formatted and flushed). So of a stream two and more of its batches, which are a few megabytes of text, become one:
// otherwise half of what is read waits in memory, up to a quarter of the limit. Rows of a relation are there already;
// theirs are as they come. Only rows of many columns are cut into more, for theirs would be formatted late
// (kEagerBytesMax).
constexpr size_t kStreamedValuesPerBatch = size_t{3} << 19;
constexpr size_t kStreamedBytesPerBatch = size_t{4} << 20;  // what that is meant for
constexpr const char* kSource = "osiris_batches_of_source";
constexpr size_t kColumnsOfWideRows = 64;
constexpr size_t kValuesPerBatch = size_t{1} << 20;
constexpr size_t kRowsPerBatchMin = 2048;
// Rows of more bytes than this are formatted when their turn to be written has come, piece by piece: the text of many
// batches of large values is not held in memory, where the engine does not count it.
constexpr size_t kEagerBytesMax = size_t{32} << 20;
constexpr size_t kPieceBytes = size_t{4} << 20;
// What write_rows() leaves with the connection for the functions below.
class Target : public duckdb::ClientContextState {
 public:
  Target(BatchWriter& writer, bool is_streamed, std::shared_ptr<KeptRows::Copy> kept,
         duckdb::shared_ptr<WritePace> pace)
      : writer_(writer), is_streamed_(is_streamed), kept_(std::move(kept)), pace_(std::move(pace)) {}

  // What keeps the rows on their way; null: nothing does.
  KeptRows::Copy* kept() { return kept_.get(); }
  // Where the writer's columns are. Unsaid: behind those of the copy, where there is one.
  void set_places(std::vector<size_t> places) { places_ = std::move(places); }
  // The columns of a chunk that are for the writer, for as long as the chunk lives.
  void add_own(BatchWriter::Batch& batch, duckdb::DataChunk& chunk) {
    if (!kept_) return batch.add(reinterpret_cast<duckdb_data_chunk>(&chunk));
    const size_t first = kept_->columns();
    const size_t columns = places_.empty() ? chunk.ColumnCount() - first : places_.size();
    const auto place = [&](size_t i) { return places_.empty() ? first + i : places_[i]; };
    duckdb::vector<duckdb::LogicalType> types;
    for (size_t i = 0; i < columns; ++i) types.push_back(chunk.data[place(i)].GetType());
    duckdb::DataChunk own;
    own.InitializeEmpty(types);
    for (size_t i = 0; i < columns; ++i) own.data[i].Reference(chunk.data[place(i)]);
    own.SetCardinality(chunk.size());
    batch.add(reinterpret_cast<duckdb_data_chunk>(&own));
  }

  std::unique_ptr<BatchWriter::Batch> begin() { return writer_.begin(); }

  // In order: the engine calls it one batch after the other, or takes no order.
  void write(BatchWriter::Batch& batch) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = writer_.write(batch);
    if (!failure_.ok()) throw duckdb::IOException("the rows cannot be written");
  }
  // Formats and writes what has become a piece.
  void add(std::unique_ptr<BatchWriter::Batch>& batch, duckdb::DataChunk& chunk) {
    if (!batch) batch = begin();
    add_own(*batch, chunk);
    if (batch->size_bytes() < kPieceBytes) return;
    write(*batch);
    batch.reset();
  }
  const Status& failure() const { return failure_; }
  bool is_streamed() const { return is_streamed_; }
  WritePace& pace() { return *pace_; }

 private:
  BatchWriter& writer_;
  const bool is_streamed_;
  const std::shared_ptr<KeptRows::Copy> kept_;
  const duckdb::shared_ptr<WritePace> pace_;
  std::vector<size_t> places_;
  std::mutex mutex_;
  Status failure_;
};

struct SourceBatches : duckdb::ClientContextState {
  explicit SourceBatches(size_t b) : bytes(b) {}
  const size_t bytes;
};

struct BindData : duckdb::FunctionData {
  BindData(duckdb::shared_ptr<Target> t, size_t c) : target(std::move(t)), columns(c) {}
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<BindData>(target, columns);
  }
  bool Equals(const duckdb::FunctionData& other) const override { return target == other.Cast<BindData>().target; }

  duckdb::shared_ptr<Target> target;
  size_t columns;
};

Target& target_of(duckdb::FunctionData& data) { return *data.Cast<BindData>().target; }

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context, duckdb::CopyFunctionBindInput&,
                                              const duckdb::vector<std::string>& names,
                                              const duckdb::vector<duckdb::LogicalType>& types) {
  auto target = context.registered_state->Get<Target>(kFormat);
  if (KeptRows::Copy* kept = target->kept()) {
    const auto end = types.begin() + static_cast<std::ptrdiff_t>(kept->columns());
    kept->bind(context, duckdb::vector<duckdb::LogicalType>(types.begin(), end));
  }
  return duckdb::make_uniq<BindData>(std::move(target), names.size());
}

struct Local : duckdb::LocalFunctionData {
  std::unique_ptr<BatchWriter::Batch> batch;
  duckdb::unique_ptr<duckdb::LocalFunctionData> kept;
};

duckdb::unique_ptr<duckdb::LocalFunctionData> begin_local_state(duckdb::ExecutionContext& context,
                                                                duckdb::FunctionData& data) {
  auto local = duckdb::make_uniq<Local>();
  if (KeptRows::Copy* kept = target_of(data).kept()) local->kept = kept->begin_thread(context);
  return local;
}

duckdb::unique_ptr<duckdb::GlobalFunctionData> begin_all(duckdb::ClientContext& context, duckdb::FunctionData& data,
                                                         const std::string&) {
  if (KeptRows::Copy* kept = target_of(data).kept()) kept->begin(context);
  return duckdb::make_uniq<duckdb::GlobalFunctionData>();
}

void end_all(duckdb::ClientContext& context, duckdb::FunctionData& data, duckdb::GlobalFunctionData&) {
  if (KeptRows::Copy* kept = target_of(data).kept()) kept->finish(context);
}

// By one thread in order, or by several where the rows have none.
void sink(duckdb::ExecutionContext& context, duckdb::FunctionData& data, duckdb::GlobalFunctionData&,
          duckdb::LocalFunctionData& local, duckdb::DataChunk& chunk) {
  if (KeptRows::Copy* kept = target_of(data).kept()) kept->sink(context, local.Cast<Local>().kept.get(), chunk);
  chunk.Flatten();
  for (auto& vector : chunk.data)
    if (vector.GetType().id() == duckdb::LogicalTypeId::LIST)
      duckdb::ListVector::GetEntry(vector).Flatten(duckdb::ListVector::GetListSize(vector));
  target_of(data).add(local.Cast<Local>().batch, chunk);
}

void end_thread(duckdb::ExecutionContext& context, duckdb::FunctionData& data, duckdb::GlobalFunctionData&,
                duckdb::LocalFunctionData& local) {
  if (KeptRows::Copy* kept = target_of(data).kept()) kept->end_thread(context, local.Cast<Local>().kept.get());
  if (auto& batch = local.Cast<Local>().batch) target_of(data).write(*batch);
}

duckdb::CopyFunctionExecutionMode mode(bool has_order, bool has_batches) {
  if (!has_order) return duckdb::CopyFunctionExecutionMode::PARALLEL_COPY_TO_FILE;
  return has_batches ? duckdb::CopyFunctionExecutionMode::BATCH_COPY_TO_FILE
                     : duckdb::CopyFunctionExecutionMode::REGULAR_COPY_TO_FILE;
}

// One of the first two is there.
struct Prepared : duckdb::PreparedBatchData {
  std::unique_ptr<BatchWriter::Batch> batch;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
  duckdb::unique_ptr<duckdb::PreparedBatchData> kept;
  uint64_t row_count = 0;
};

duckdb::unique_ptr<duckdb::PreparedBatchData> prepare(duckdb::ClientContext& context, duckdb::FunctionData& data,
                                                      duckdb::GlobalFunctionData&,
                                                      duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  auto prepared = duckdb::make_uniq<Prepared>();
  Target& target = target_of(data);
  const WritePace::Call call(target.pace());
  target.pace().add_waiting();
  prepared->row_count = rows->Count();
  if (rows->SizeInBytes() > kEagerBytesMax) {
    prepared->rows = std::move(rows);
    return prepared;
  }
  prepared->batch = target.begin();
  for (auto& chunk : rows->Chunks()) target.add_own(*prepared->batch, chunk);
  if (KeptRows::Copy* kept = target.kept()) prepared->kept = kept->prepare(context, std::move(rows));
  return prepared;
}

void flush(duckdb::ClientContext& context, duckdb::FunctionData& data, duckdb::GlobalFunctionData&,
           duckdb::PreparedBatchData& some) {
  auto& prepared = some.Cast<Prepared>();
  WritePace& pace = target_of(data).pace();
  const WritePace::Call call(pace);
  pace.end_waiting();
  if (prepared.rows)
    for (auto& chunk : prepared.rows->Chunks()) target_of(data).add(prepared.batch, chunk);
  if (prepared.batch) target_of(data).write(*prepared.batch);
  if (KeptRows::Copy* kept = target_of(data).kept()) {
    if (prepared.rows)
      kept->write(context, std::move(prepared.rows));
    else
      kept->flush(context, prepared.kept.get(), prepared.row_count);
    prepared.kept.reset();
  }
}

duckdb::idx_t rows_per_batch(duckdb::ClientContext& context, duckdb::FunctionData& data) {
  const size_t columns = data.Cast<BindData>().columns;
  if (columns >= kColumnsOfWideRows) return std::max(kRowsPerBatchMin, kValuesPerBatch / columns);
  if (!target_of(data).is_streamed()) return 0;
  const auto source = context.registered_state->Get<SourceBatches>(kSource);
  // Each is a group of rows in the file of kept rows, which are not to be small.
  const size_t bytes =
      source && !target_of(data).kept() ? std::min(source->bytes, kStreamedBytesPerBatch) : kStreamedBytesPerBatch;
  return std::max(kRowsPerBatchMin, kStreamedValuesPerBatch / (kStreamedBytesPerBatch / bytes) / columns);
}

void register_format(duckdb::ClientContext& context) {
  static std::mutex one_at_a_time;  // two at once would be a conflict of transactions
  const std::lock_guard lock(one_at_a_time);
  duckdb::CopyFunction function(kFormat);
  function.copy_to_bind = bind;
  function.copy_to_initialize_local = begin_local_state;
  function.copy_to_initialize_global = begin_all;
  function.copy_to_sink = sink;
  function.copy_to_combine = end_thread;
  function.copy_to_finalize = end_all;
  function.execution_mode = mode;
  function.prepare_batch = prepare;
  function.flush_batch = flush;
  function.desired_batch_size = rows_per_batch;
  duckdb::CreateCopyFunctionInfo info(std::move(function));
  info.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
  info.internal = true;
  context.RunFunctionInTransaction([&] {
    auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
    catalog.CreateCopyFunction(catalog.GetCatalogTransaction(context), info);
  });
}

// Where the columns are among those of the batches; empty: not all of them are there as they are, or as one only.
std::vector<size_t> places_of(const std::vector<WrittenColumn>& columns, const ChunkBatches& rows) {
  std::vector<size_t> places;
  const std::vector<std::string> held = rows.batch_columns();
  std::vector<std::string> folded;
  for (const std::string& name : held) folded.push_back(ascii_lower(name));
  // The engine would give the second of two that differ only in case another name.
  std::sort(folded.begin(), folded.end());
  if (std::adjacent_find(folded.begin(), folded.end()) != folded.end()) return {};
  const NameIndex names(held);
  for (const WrittenColumn& column : columns) {
    const auto place = names.find(column.name);
    if (!place || !column.expression.empty()) return {};
    places.push_back(*place);
  }
  return places;
}

// As many as the run has. The engine's own may not have begun yet.
size_t engine_threads(duckdb_connection connection) {
  const auto& engine = *reinterpret_cast<duckdb::Connection*>(connection)->context->db;
  return duckdb::DBConfig::GetConfig(engine).options.maximum_threads;
}

size_t direct_threads(duckdb_connection connection, const ChunkBatches& rows) {
  return std::clamp<size_t>(engine_threads(connection), 1, rows.threads_max());
}

Error engine_failed(const duckdb::ErrorData& error) {
  return sql::engine_error(duckdb::ErrorTypeToC(error.Type()), error.Message())
      .within("reading the input relation failed");
}

duckdb::shared_ptr<KeptRowsState> keeping_state(duckdb_connection connection) {
  return reinterpret_cast<duckdb::Connection*>(connection)->context->registered_state->Get<KeptRowsState>(kKeptRows);
}

// `places`: of the writer's columns among those that are selected, which are the copy's; empty: behind them.
Result<uint64_t> write_selected(duckdb_connection connection, const std::string& selected, BatchWriter& writer,
                                bool is_streamed, std::vector<size_t> places) {
  auto& engine = *reinterpret_cast<duckdb::Connection*>(connection);
  auto& states = *engine.context->registered_state;
  const auto keeping = keeping_state(connection);
  const auto pace = duckdb::make_shared_ptr<WritePace>(engine_threads(connection));
  const auto target = duckdb::make_shared_ptr<Target>(writer, is_streamed, keeping ? keeping->copy : nullptr, pace);
  target->set_places(std::move(places));
  try {
    register_format(*engine.context);
    states.Remove(kFormat);
    states.Remove(kSource);
    states.Insert(kFormat, target);
    states.Remove(kWritePace);
    states.Insert(kWritePace, pace);
    const auto result =
        engine.Query("COPY (" + selected + ") TO '" + kNoFile + "' (FORMAT " + kFormat + ", USE_TMP_FILE false)");
    states.Remove(kFormat);
    states.Remove(kWritePace);
    if (!target->failure().ok()) return target->failure().error();
    if (result->HasError()) return engine_failed(result->GetErrorObject());
    return result->GetValue(0, 0).GetValue<uint64_t>();
  } catch (const std::exception& failure) {
    states.Remove(kFormat);
    states.Remove(kWritePace);
    return engine_failed(duckdb::ErrorData(failure));
  }
}

}  // namespace

Result<uint64_t> write_rows(duckdb_connection connection, const std::string& select, BatchWriter& writer,
                            bool is_streamed) {
  const auto keeping = keeping_state(connection);
  return write_selected(connection, keeping ? keeping->rows.with_columns(select) : select, writer, is_streamed, {});
}

Result<uint64_t> write_rows(StepContext& step, const std::vector<WrittenColumn>& columns, BatchWriter& writer) {
  const Input& input = step.inputs().front();
  auto* const direct = dynamic_cast<ChunkBatches*>(step.source_rows());
  if (direct) {
    const std::vector<size_t> places = places_of(columns, *direct);
    if (!places.empty() && direct->take_batches(places))
      return write_batches(*direct, places, direct_threads(step.connection_handle(), *direct), writer);
  }
  duckdb_connection connection = step.connection_handle();
  const std::string from = " FROM " + sql::quote_identifier(input.name);
  std::vector<std::string> list, names;
  for (const WrittenColumn& column : columns) {
    list.push_back(column.expression.empty() ? sql::quote_identifier(column.name) : column.expression);
    if (column.expression.empty()) names.push_back(column.name);
  }
  // What is kept and written as it is, is selected once.
  if (const auto keeping = keeping_state(connection); keeping && names.size() == columns.size())
    if (const std::vector<size_t> places = keeping->rows.places_of(names); !places.empty())
      return write_selected(connection, "SELECT " + keeping->rows.columns() + from, writer, input.is_streamed, places);
  return write_rows(connection, "SELECT " + join(list, ", ") + from, writer, input.is_streamed);
}

void say_bytes_per_batch(duckdb::ClientContext& context, size_t bytes) {
  context.registered_state->Remove(kSource);
  context.registered_state->Insert(kSource, duckdb::make_shared_ptr<SourceBatches>(std::max<size_t>(bytes, 1)));
}

}  // namespace osiris::worker
