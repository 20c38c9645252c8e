#include "worker/driver_api/scan_function.h"

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/table_function_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>

#include <utility>

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

// `info_of` gives what is to be made under a name.
template <class InfoOf>
Result<std::string> define(duckdb_connection connection, InfoOf info_of) {
  if (!connection) return Error(Code::kInternal, "the step has no connection to the run's database");
  const std::string name = "osiris_" + to_hex(random_bytes(16));
  auto& context = *reinterpret_cast<duckdb::Connection*>(connection)->context;
  try {
    context.RunFunctionInTransaction([&] {
      duckdb::CreateTableFunctionInfo info = info_of(context, name);
      info.internal = true;
      duckdb::Catalog::GetSystemCatalog(context).CreateTableFunction(context, info);
    });
  } catch (const std::exception& failure) {
    return Error(Code::kInternal, "DuckDB refused a table function: " + duckdb::ErrorData(failure).Message());
  }
  return name;
}

}  // namespace

Result<std::string> define_scan_function(duckdb_connection connection, duckdb::TableFunction function) {
  return define(connection, [&](duckdb::ClientContext&, const std::string& name) {
    function.name = name;
    return duckdb::CreateTableFunctionInfo(function);
  });
}

Result<std::string> copy_scan_function(duckdb_connection connection, const std::string& function,
                                       const std::function<void(duckdb::TableFunction&)>& change) {
  return define(connection, [&](duckdb::ClientContext& context, const std::string& name) {
    auto& entry = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::TableFunctionCatalogEntry>(
        context, DEFAULT_SCHEMA, function);
    duckdb::TableFunctionSet copy(name);
    for (duckdb::TableFunction each : entry.functions.functions) {
      each.name = name;
      if (change) change(each);
      copy.AddFunction(std::move(each));
    }
    return duckdb::CreateTableFunctionInfo(std::move(copy));
  });
}

}  // namespace osiris::worker
