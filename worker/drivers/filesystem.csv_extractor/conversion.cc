#include "worker/drivers/filesystem.csv_extractor/conversion.h"

#include <duckdb.h>

#include "worker/drivers/filesystem.csv_extractor/sql_function.h"

namespace osiris::worker::csv {
namespace {

template <class Out, class Parse>
void convert(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, Parse parse) {
  const auto& numbers = *static_cast<const NumberFormat*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t rows = duckdb_data_chunk_get_size(input);
  const duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
  const auto* values = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(column));
  uint64_t* validity = duckdb_vector_get_validity(column);
  Out* out = static_cast<Out*>(duckdb_vector_get_data(output));
  uint64_t* out_validity = nullptr;
  std::string buffer;
  for (idx_t row = 0; row < rows; ++row) {
    if (validity && !duckdb_validity_row_is_valid(validity, row)) {
      if (!out_validity) {
        duckdb_vector_ensure_validity_writable(output);
        out_validity = duckdb_vector_get_validity(output);
      }
      duckdb_validity_set_row_invalid(out_validity, row);
      continue;
    }
    const auto text = numbers.plain(text_of(values[row]), buffer);
    const auto value = text ? parse(*text) : std::nullopt;
    if (!value) {
      duckdb_scalar_function_set_error(info, "a value does not fit its column");
      return;
    }
    out[row] = *value;
  }
}

void to_integer(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  convert<int64_t>(info, input, output, parse_integer);
}
void to_unsigned(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  convert<uint64_t>(info, input, output, parse_unsigned);
}
void to_double(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  convert<double>(info, input, output, parse_double);
}
void to_boolean(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  convert<bool>(info, input, output, parse_boolean);
}

}  // namespace

Conversion::Conversion(StepContext& step, NumberFormat numbers)
    : connection_(step.connection_handle()), numbers_(numbers), prefix_(random_function_name()) {}

Result<std::string> Conversion::expression(size_t column, Kind kind, const std::string& argument) {
  if (kind == Kind::kText) return argument;
  const std::string name = prefix_ + "_" + std::to_string(column);
  const auto add = [&](duckdb_type returns, duckdb_scalar_function_t body) {
    return register_function(connection_, name, returns, body, new NumberFormat(numbers_),
                             [](void* extra) { delete static_cast<NumberFormat*>(extra); });
  };
  Status added;
  switch (kind) {
    case Kind::kBoolean:
      added = add(DUCKDB_TYPE_BOOLEAN, to_boolean);
      break;
    case Kind::kUnsigned:
      added = add(DUCKDB_TYPE_UBIGINT, to_unsigned);
      break;
    case Kind::kDouble:
      added = add(DUCKDB_TYPE_DOUBLE, to_double);
      break;
    default:
      added = add(DUCKDB_TYPE_BIGINT, to_integer);
      break;
  }
  if (!added.ok()) return added.error();
  return name + "(" + argument + ")";
}

}  // namespace osiris::worker::csv
