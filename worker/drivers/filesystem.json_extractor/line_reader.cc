#include "worker/drivers/filesystem.json_extractor/line_reader.h"

#include <duckdb.hpp>
#include <duckdb/common/multi_file/multi_file_states.hpp>
#include <duckdb/function/table_function.hpp>
#include <json_scan.hpp>

#include <atomic>

#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/scan_function.h"

namespace osiris::worker::json_in {
namespace {

// Of read_json, the same in every database.
std::atomic<duckdb::table_function_bind_t> bind_of_engine{nullptr};

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<duckdb::LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bound = bind_of_engine.load()(context, input, types, names);
  const auto wanted = input.named_parameters.find("maximum_object_size");
  if (wanted == input.named_parameters.end()) return bound;
  // Where the buffers are made, their size follows from this. What is in one is a batch.
  const auto bytes = wanted->second.GetValue<uint64_t>();
  say_bytes_per_batch(context, bytes);
  auto& lines = *bound->Cast<duckdb::MultiFileBindData>().bind_data;
  lines.Cast<duckdb::JSONScanData>().options.maximum_object_size = bytes;
  return bound;
}

}  // namespace

Result<std::string> define_line_reader(duckdb_connection connection) {
  return copy_scan_function(connection, "read_json", [](duckdb::TableFunction& function) {
    bind_of_engine = function.bind;
    function.bind = bind;
  });
}

}  // namespace osiris::worker::json_in
