#include "worker/driver_api/scan_function.h"

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>

#include <utility>

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::worker {

Result<std::string> define_scan_function(duckdb_connection connection, duckdb::TableFunction function) {
  const std::string name = "osiris_" + to_hex(random_bytes(16));
  function.name = name;
  duckdb::CreateTableFunctionInfo info(std::move(function));
  info.internal = true;
  auto& context = *reinterpret_cast<duckdb::Connection*>(connection)->context;
  try {
    context.RunFunctionInTransaction([&] {
      auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
      catalog.CreateTableFunction(context, info);
    });
  } catch (const std::exception& failure) {
    return Error(Code::kInternal, "DuckDB refused a table function: " + duckdb::ErrorData(failure).Message());
  }
  return name;
}

}  // namespace osiris::worker
