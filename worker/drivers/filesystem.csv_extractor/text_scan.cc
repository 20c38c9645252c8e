#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

#include <duckdb.hpp>
#include <duckdb/function/partition_stats.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parallel/task_scheduler.hpp>

#include <algorithm>
#include <utility>

#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/scan_function.h"
#include "worker/driver_api/write_pace.h"
#include "worker/drivers/filesystem.csv_extractor/text_rows.h"

namespace osiris::worker::csv {
namespace {

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
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  say_bytes_per_batch(context, kBlockBytes);
  auto bound = duckdb::make_uniq<ScanBind>();
  bound->info = duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, ScanInfo>(input.table_function.function_info);
  for (const ScanColumn& column : bound->info->state->plan().columns) {
    types.push_back(engine_type(column));
    names.push_back(column.name);
  }
  return bound;
}

struct ScanGlobal : duckdb::GlobalTableFunctionState {
  ScanGlobal(duckdb::ClientContext& context, const ScanPlan& plan)
      : threads(static_cast<uint64_t>(duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads())),
        text(context, plan),
        pace(context.registered_state->Get<WritePace>(kWritePace)) {}
  duckdb::idx_t MaxThreads() const override { return std::min(threads, text.bytes() / kBlockBytes + 1); }

  const uint64_t threads;
  ScanText text;
  std::vector<TextRead> reads;
  duckdb::shared_ptr<WritePace> pace;  // of the statement's writer; null: it has none
};

struct ScanLocal : duckdb::LocalTableFunctionState {
  ScanLocal(ScanState& state, duckdb::ClientContext& context, const ScanGlobal& global)
      : rows(state, context, global.text, global.reads) {}

  ScanRows rows;
  bool has_block = false, is_ended = false;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext& context,
                                                           duckdb::TableFunctionInitInput& input) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  ScanState& state = *bound.info->state;
  if (!state.begin()) throw duckdb::InvalidInputException("a stream is read once");
  auto global = duckdb::make_uniq<ScanGlobal>(context, state.plan());
  std::vector<TextRead> wanted;
  for (size_t i = 0; i < input.column_ids.size(); ++i)
    if (!duckdb::IsVirtualColumn(input.column_ids[i]))
      wanted.push_back({input.column_ids[i], i});  // else: only counted
  global->reads = reads_of(state, std::move(wanted));
  return global;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> begin_local_state(duckdb::ExecutionContext& context,
                                                                      duckdb::TableFunctionInitInput& input,
                                                                      duckdb::GlobalTableFunctionState* global) {
  return duckdb::make_uniq<ScanLocal>(*input.bind_data->Cast<ScanBind>().info->state, context.client,
                                      global->Cast<ScanGlobal>());
}

// False at the end of the file.
bool take_block(duckdb::ClientContext& context, ScanGlobal& global, ScanRows& rows) {
  if (global.pace) global.pace->take(context);
  const auto more = global.text.next(rows.block());
  if (!more.ok()) throw duckdb::InvalidInputException("%s", more.error().message);
  if (*more) rows.begin_block();
  return *more;
}

double progress(duckdb::ClientContext&, const duckdb::FunctionData*, const duckdb::GlobalTableFunctionState* global) {
  return global->Cast<ScanGlobal>().text.percent();
}

void scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& global = input.global_state->Cast<ScanGlobal>();
  auto& local = input.local_state->Cast<ScanLocal>();
  while (!local.is_ended && out.size() == 0) {
    if (!local.has_block && !take_block(context, global, local.rows)) {
      local.rows.thread().end(true);
      local.is_ended = true;
      break;
    }
    local.has_block = local.rows.read(out);
  }
  input.async_result = out.size() > 0 ? duckdb::SourceResultType::HAVE_MORE_OUTPUT : duckdb::SourceResultType::FINISHED;
}

duckdb::OperatorPartitionData partition(duckdb::ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanLocal>().rows.block().number);
}

}  // namespace

Result<std::string> define_scan(duckdb_connection connection, std::shared_ptr<ScanState> state) {
  duckdb::TableFunction function("", {}, scan, bind, begin, begin_local_state);
  function.projection_pushdown = true;
  function.get_partition_data = partition;
  function.table_scan_progress = progress;
  function.function_info = duckdb::make_shared_ptr<ScanInfo>(std::move(state));
  return define_scan_function(connection, std::move(function));
}

}  // namespace osiris::worker::csv
