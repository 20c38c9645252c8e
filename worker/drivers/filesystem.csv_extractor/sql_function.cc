#include "worker/drivers/filesystem.csv_extractor/sql_function.h"

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::worker::csv {

std::string random_function_name() { return "osiris_csv_" + to_hex(random_bytes(16)); }

std::string_view text_of(const duckdb_string_t& value) {
  const auto length = duckdb_string_t_length(value);
  return {duckdb_string_is_inlined(value) ? value.value.inlined.inlined : value.value.pointer.ptr, length};
}

Status register_function(duckdb_connection connection, const std::string& name, duckdb_type returns,
                         duckdb_scalar_function_t body, void* extra, duckdb_delete_callback_t destroy) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name.c_str());
  duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_logical_type result = duckdb_create_logical_type(returns);
  duckdb_scalar_function_add_parameter(function, text);
  duckdb_scalar_function_set_return_type(function, result);
  duckdb_scalar_function_set_special_handling(function);  // nulls are passed in
  duckdb_scalar_function_set_extra_info(function, extra, destroy);
  duckdb_scalar_function_set_function(function, body);
  const bool ok = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
  duckdb_destroy_logical_type(&text);
  duckdb_destroy_logical_type(&result);
  duckdb_destroy_scalar_function(&function);
  return ok ? Status() : Status(Error(Code::kInternal, "DuckDB refused to register the CSV conversion " + name));
}

}  // namespace osiris::worker::csv
