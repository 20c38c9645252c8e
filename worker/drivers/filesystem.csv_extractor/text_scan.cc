#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <duckdb/function/partition_stats.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parallel/task_scheduler.hpp>

#include <algorithm>
#include <utility>

#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/scan_function.h"
#include "worker/driver_api/write_pace.h"
#include "worker/drivers/filesystem.csv_extractor/encoding.h"
#include "worker/drivers/filesystem.csv_extractor/file_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/record_fields.h"
#include "worker/drivers/filesystem.csv_extractor/scan_thread.h"

namespace osiris::worker::csv {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

LogicalType engine_type(Kind kind) {
  switch (kind) {
    case Kind::kBoolean:
      return LogicalType::BOOLEAN;
    case Kind::kInteger:
      return LogicalType::BIGINT;
    case Kind::kUnsigned:
      return LogicalType::UBIGINT;
    case Kind::kDouble:
      return LogicalType::DOUBLE;
    default:
      return LogicalType::VARCHAR;
  }
}

bool any_is_number(const NullWords& words, const NumberFormat& numbers) {
  std::string buffer;
  return std::any_of(words.list().begin(), words.list().end(), [&](const std::string& word) {
    const auto number = numbers.plain(word, buffer);
    return parse_boolean(word) || (number && parse_double(*number));
  });
}

}  // namespace

ScanState::ScanState(ScanPlan plan, OnUnfit on_unfit)
    : plan_(std::move(plan)),
      on_unfit_(on_unfit),
      numeric_nulls_(any_is_number(plan_.nulls, plan_.numbers)),
      has_values_(plan_.columns.size()),
      was_read_(plan_.columns.size()),
      files_(plan_.files.size()) {
  for (const ScanColumn& column : plan_.columns) trackers_.push_back(column.tracker);
}

std::string ScanState::fingerprint_of(size_t file) const {
  const std::lock_guard lock(mutex_);
  return files_[file].text.text();
}

std::string ScanState::fingerprint() const {
  const std::lock_guard lock(mutex_);
  return given_.text();
}

KindTracker ScanState::tracker(size_t column) const {
  const std::lock_guard lock(mutex_);
  return trackers_[column];
}

namespace {

struct ScanInfo : duckdb::TableFunctionInfo {
  explicit ScanInfo(std::shared_ptr<ScanState> s) : state(std::move(s)) {}
  std::shared_ptr<ScanState> state;
};

struct ScanBind : duckdb::TableFunctionData {
  duckdb::shared_ptr<ScanInfo> info;
};

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types, duckdb::vector<std::string>& names) {
  say_bytes_per_batch(context, kBlockBytes);
  auto bound = duckdb::make_uniq<ScanBind>();
  bound->info = duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, ScanInfo>(input.table_function.function_info);
  for (const ScanColumn& column : bound->info->state->plan().columns) {
    types.push_back(engine_type(column.kind));
    names.push_back(column.name);
  }
  return bound;
}

std::shared_ptr<duckdb::FileHandle> open_file(duckdb::ClientContext& context, const ScanFile& file) {
  auto& files = duckdb::FileSystem::GetFileSystem(context);
  return std::shared_ptr<duckdb::FileHandle>(files.OpenFile(file.path, duckdb::FileFlags::FILE_FLAGS_READ).release());
}

std::vector<uint64_t> lines_of(const ScanPlan& plan) {
  std::vector<uint64_t> lines;
  for (const ScanFile& file : plan.files) lines.push_back(file.skip_lines);
  return lines;
}

struct ScanGlobal : duckdb::GlobalTableFunctionState {
  ScanGlobal(duckdb::ClientContext& context, const ScanPlan& plan)
      : first(open_file(context, plan.files.front())),
        bytes(plan.bytes > 0 ? plan.bytes
                             : static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(first->GetFileSize())))),
        threads(static_cast<uint64_t>(duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads())),
        blocks([this, &context, &plan](size_t file) { return reader_of(context, plan, file); }, lines_of(plan),
               plan.delimiter),
        pace(context.registered_state->Get<WritePace>(kWritePace)) {}
  duckdb::idx_t MaxThreads() const override { return std::min(threads, bytes / kBlockBytes + 1); }

  RecordBlocks::Read reader_of(duckdb::ClientContext& context, const ScanPlan& plan, size_t number) {
    const auto file = first ? std::exchange(first, nullptr) : open_file(context, plan.files[number]);
    return [file](char* to, size_t size) { return static_cast<size_t>(file->Read(to, size)); };
  }

  struct Read {
    size_t column;                                          // of the plan
    duckdb::idx_t out = duckdb::DConstants::INVALID_INDEX;  // in the chunk that is given; none: only looked at
  };
  std::vector<Read> reads;
  std::vector<size_t> fields;                 // of the reads
  std::shared_ptr<duckdb::FileHandle> first;  // until it is read
  const uint64_t bytes, threads;
  FileBlocks blocks;
  duckdb::shared_ptr<WritePace> pace;  // of the statement's writer; null: it has none
};

// Keeps a block for as long as texts point into it.
class BlockPin : public duckdb::VectorBuffer {
 public:
  explicit BlockPin(std::shared_ptr<char[]> bytes)
      : VectorBuffer(duckdb::VectorBufferType::OPAQUE_BUFFER), bytes_(std::move(bytes)) {}

 private:
  std::shared_ptr<char[]> bytes_;
};

struct ScanLocal : duckdb::LocalTableFunctionState {
  ScanLocal(ScanState& state, duckdb::ClientContext& context, size_t columns)
      : thread(state), records(state.plan().delimiter, state.plan().fields), slots(columns), points(columns) {
    text.Initialize(context, duckdb::vector<LogicalType>(columns, LogicalType::VARCHAR));
  }

  ScanState::Thread thread;
  TextBlock block;
  RecordFields records;  // of the block
  bool has_records = false, is_ended = false;
  duckdb::DataChunk text;
  std::vector<duckdb::string_t*> slots;  // of the columns of `text`
  std::vector<bool> points;              // which of them point into the block
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext& context,
                                                           duckdb::TableFunctionInitInput& input) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  ScanState& state = *bound.info->state;
  if (!state.begin()) throw duckdb::InvalidInputException("a stream is read once");
  auto global = duckdb::make_uniq<ScanGlobal>(context, state.plan());
  std::vector<bool> is_read(state.plan().columns.size());
  for (size_t i = 0; i < input.column_ids.size(); ++i) {
    if (duckdb::IsVirtualColumn(input.column_ids[i])) continue;  // of a statement that only counts
    global->reads.push_back({input.column_ids[i], i});
    is_read[input.column_ids[i]] = true;
  }
  for (size_t i = 0; i < is_read.size(); ++i)
    if (!is_read[i] && state.must_convert && state.must_convert(state.plan().columns[i].name))
      global->reads.push_back({i});
  if (global->reads.empty()) global->reads.push_back({0});
  for (const auto& read : global->reads) {
    global->fields.push_back(state.plan().columns[read.column].field);
    state.reads(read.column);
  }
  return global;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> begin_thread(duckdb::ExecutionContext& context,
                                                                 duckdb::TableFunctionInitInput& input,
                                                                 duckdb::GlobalTableFunctionState* global) {
  return duckdb::make_uniq<ScanLocal>(*input.bind_data->Cast<ScanBind>().info->state, context.client,
                                      global->Cast<ScanGlobal>().reads.size());
}

// False at the end of the file.
bool take_block(duckdb::ClientContext& context, ScanGlobal& global, ScanLocal& local) {
  local.thread.give_all();
  if (global.pace) global.pace->take(context);
  const auto more = global.blocks.next(local.block);
  if (!more.ok()) throw duckdb::InvalidInputException("%s", more.error().message);
  if (!*more) return false;
  if (find_invalid_utf8(local.block.text()) != std::string_view::npos)
    throw duckdb::InvalidInputException("the text is not UTF-8");
  local.thread.take(local.block);
  local.records.begin(local.block.text());
  return true;
}

void put_record(const ScanGlobal& global, ScanLocal& local, duckdb::idx_t row) {
  for (size_t i = 0; i < global.fields.size(); ++i) {
    const std::string_view field = local.records.field(global.fields[i]);
    const auto size = static_cast<uint32_t>(field.size());
    if (size == 0) {
      duckdb::FlatVector::SetNull(local.text.data[i], row, true);
    } else if (size <= duckdb::string_t::INLINE_LENGTH || !local.records.is_rewritten()) {
      local.slots[i][row] = duckdb::string_t(field.data(), size);
      local.points[i] = local.points[i] || size > duckdb::string_t::INLINE_LENGTH;
    } else {
      local.slots[i][row] = duckdb::StringVector::AddString(local.text.data[i], field.data(), size);
    }
  }
}

// Records of one block into `local.text`; false at the end of the file.
bool read_records(duckdb::ClientContext& context, ScanGlobal& global, ScanLocal& local) {
  local.text.Reset();
  for (size_t i = 0; i < local.slots.size(); ++i) {
    local.slots[i] = duckdb::FlatVector::GetData<duckdb::string_t>(local.text.data[i]);
    local.points[i] = false;
  }
  duckdb::idx_t rows = 0;
  while (rows == 0) {
    if (!local.has_records && !take_block(context, global, local)) return false;
    local.has_records = true;
    while (local.has_records && rows < STANDARD_VECTOR_SIZE) {
      const RecordFields::Next next = local.records.next();
      if (next == RecordFields::Next::kMisfit)
        throw duckdb::InvalidInputException("a record has another number of fields");
      local.has_records = next == RecordFields::Next::kRecord;
      if (local.has_records) put_record(global, local, rows++);
    }
  }
  for (size_t i = 0; i < local.points.size(); ++i)
    if (local.points[i])
      duckdb::StringVector::AddBuffer(local.text.data[i], duckdb::make_buffer<BlockPin>(local.block.bytes));
  local.text.SetCardinality(rows);
  return true;
}

// Gives the rows of `local.text`, or none once values do not fit.
void give(ScanState& state, ScanGlobal& global, ScanLocal& local, bool watch, duckdb::DataChunk& out) {
  const uint64_t rows = local.text.size();
  bool fits = !state.is_unfit();
  for (size_t i = 0; i < global.reads.size() && fits; ++i) {
    const auto& read = global.reads[i];
    duckdb::Vector* target = read.out == duckdb::DConstants::INVALID_INDEX ? nullptr : &out.data[read.out];
    fits = local.thread.convert(read.column, local.text.data[i], target, rows);
  }
  if (fits) return out.SetCardinality(rows);
  local.thread.fail();
  if (!watch) throw duckdb::InvalidInputException("a value does not fit its column");
  for (size_t i = 0; i < global.reads.size(); ++i)
    local.thread.observe(global.reads[i].column, local.text.data[i], rows);
  out.Reset();
}

double percent_of(const ScanGlobal& global) {
  const auto read = static_cast<double>(global.blocks.bytes_read());
  return global.bytes > 0 ? std::min(100.0, 100 * read / static_cast<double>(global.bytes)) : 0;
}

double progress(duckdb::ClientContext&, const duckdb::FunctionData*, const duckdb::GlobalTableFunctionState* global) {
  return percent_of(global->Cast<ScanGlobal>());
}

void scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  ScanState& state = *input.bind_data->Cast<ScanBind>().info->state;
  auto& global = input.global_state->Cast<ScanGlobal>();
  auto& local = input.local_state->Cast<ScanLocal>();
  while (!local.is_ended) {
    if (!read_records(context, global, local)) {
      local.thread.end(true);
      local.is_ended = true;
      break;
    }
    local.thread.count(local.block.file, local.text.size(), [&] { return percent_of(global); });
    give(state, global, local, state.watches(), out);
    if (out.size() > 0) break;
  }
  input.async_result = out.size() > 0 ? duckdb::SourceResultType::HAVE_MORE_OUTPUT : duckdb::SourceResultType::FINISHED;
}

duckdb::OperatorPartitionData partition(duckdb::ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanLocal>().block.number);
}

}  // namespace

Result<std::string> define_scan(duckdb_connection connection, std::shared_ptr<ScanState> state) {
  duckdb::TableFunction function("", {}, scan, bind, begin, begin_thread);
  function.projection_pushdown = true;
  function.get_partition_data = partition;
  function.table_scan_progress = progress;
  function.function_info = duckdb::make_shared_ptr<ScanInfo>(std::move(state));
  return define_scan_function(connection, std::move(function));
}

}  // namespace osiris::worker::csv
