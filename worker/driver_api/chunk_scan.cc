#include "worker/driver_api/chunk_scan.h"

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>

#include <utility>

#include "worker/driver_api/scan_function.h"

namespace osiris::worker {
namespace {

struct Info : duckdb::TableFunctionInfo {
  std::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  std::shared_ptr<ChunkScan> scan;
};

struct Bound : duckdb::TableFunctionData {
  duckdb::shared_ptr<Info> info;
};

// One thread: the rows have an order.
struct Global : duckdb::GlobalTableFunctionState {
  std::vector<duckdb::idx_t> columns;  // of the source's, in the order of the output; a virtual one: none is read
};

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext&, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bound = duckdb::make_uniq<Bound>();
  bound->info = duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, Info>(input.table_function.function_info);
  types = bound->info->types;
  names.assign(bound->info->names.begin(), bound->info->names.end());
  return bound;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext&,
                                                           duckdb::TableFunctionInitInput& input) {
  if (!input.bind_data->Cast<Bound>().info->scan->begin()) throw duckdb::InvalidInputException("a stream is read once");
  auto global = duckdb::make_uniq<Global>();
  global->columns.assign(input.column_ids.begin(), input.column_ids.end());
  return global;
}

void scan(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  const auto& columns = input.global_state->Cast<Global>().columns;
  auto next = input.bind_data->Cast<Bound>().info->scan->source().next();
  if (!next.ok()) {
    if (next.error().code == Code::kCancelled) throw duckdb::InterruptException();
    throw duckdb::IOException("the rows end: %s", next.error().message);
  }
  if (!*next) return;
  auto& chunk = *reinterpret_cast<duckdb::DataChunk*>(*next);
  for (size_t i = 0; i < columns.size(); ++i)
    if (!duckdb::IsVirtualColumn(columns[i])) out.data[i].Reference(chunk.data[columns[i]]);
  out.SetCardinality(chunk.size());
}

// How many rows will come is not known: many, so that a join keeps its other side in memory.
duckdb::unique_ptr<duckdb::NodeStatistics> many(duckdb::ClientContext&, const duckdb::FunctionData*) {
  return duckdb::make_uniq<duckdb::NodeStatistics>(duckdb::idx_t{100'000'000});
}

}  // namespace

Result<std::string> define_chunk_scan(duckdb_connection connection, const std::vector<std::string>& names,
                                      duckdb_data_chunk like, std::shared_ptr<ChunkScan> chunks) {
  auto info = duckdb::make_shared_ptr<Info>();
  info->names = names;
  info->types = reinterpret_cast<duckdb::DataChunk*>(like)->GetTypes();
  info->scan = std::move(chunks);
  duckdb::TableFunction function("", {}, scan, bind, begin);
  function.projection_pushdown = true;
  function.cardinality = many;
  function.function_info = std::move(info);
  return define_scan_function(connection, std::move(function));
}

}  // namespace osiris::worker
