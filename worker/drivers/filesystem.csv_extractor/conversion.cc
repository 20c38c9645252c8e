#include "worker/drivers/filesystem.csv_extractor/conversion.h"

#include <duckdb.h>

#include "worker/drivers/filesystem.csv_extractor/sql_function.h"

namespace osiris::worker::csv {

struct Conversion::State {
  std::mutex mutex;
  StepContext* step = nullptr;  // null once the Conversion is gone; guarded by mutex
  NumberFormat numbers;
  uint64_t report_rows = 0, rows_max = 0;
  uint64_t reported = 0;  // guarded by mutex
  duckdb_connection connection = nullptr;
  uint64_t file_bytes = 0;            // 0: unknown
  std::optional<FailedValue> failed;  // guarded by mutex
  std::atomic<uint64_t> rows{0};
  std::atomic<uint64_t> next_report{0};
  std::vector<std::atomic<bool>> seen;
  explicit State(size_t columns) : seen(columns) {}

  // False when the statement should stop.
  bool count(uint64_t more) {
    const uint64_t total = rows += more;
    if (total < next_report) return true;
    std::lock_guard lock(mutex);
    if (!step) return false;
    if (total >= next_report) {
      next_report = total - total % report_rows + report_rows;
      const uint64_t shown = total < rows_max ? total : rows_max;
      if (shown > reported) step->progress(reported = shown);
      report_bytes();
    }
    return !step->is_cancelled();
  }
  // The engine reads the file ahead of the rows, and knows how far it is.
  void report_bytes() {
    const double percent = file_bytes ? duckdb_query_progress(connection).percentage : -1;
    if (percent >= 0)
      step->progress_bytes(static_cast<uint64_t>(percent / 100 * static_cast<double>(file_bytes)), file_bytes);
  }
  void fail(size_t column, std::string_view value) {
    std::lock_guard lock(mutex);
    if (!failed) failed = FailedValue{column, std::string(value)};
  }
};

namespace {

// What one registered function knows.
struct Binding {
  std::shared_ptr<Conversion::State> state;
  size_t column = 0;
  bool counts = false;
};

template <class Out, class Parse>
void convert(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output, Parse parse) {
  const auto& binding = *static_cast<const Binding*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t rows = duckdb_data_chunk_get_size(input);
  const duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
  const auto* values = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(column));
  uint64_t* validity = duckdb_vector_get_validity(column);
  Out* out = static_cast<Out*>(duckdb_vector_get_data(output));
  uint64_t* out_validity = nullptr;
  bool seen = false;
  const NumberFormat& numbers = binding.state->numbers;
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
      binding.state->fail(binding.column, text_of(values[row]));
      duckdb_scalar_function_set_error(info, "a value does not fit its column");
      return;
    }
    out[row] = *value;
    seen = true;
  }
  if (seen && !binding.state->seen[binding.column].load(std::memory_order_relaxed))
    binding.state->seen[binding.column] = true;
  if (binding.counts && !binding.state->count(rows)) duckdb_scalar_function_set_error(info, "the step was cancelled");
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
void count_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const auto& binding = *static_cast<const Binding*>(duckdb_scalar_function_get_extra_info(info));
  const idx_t rows = duckdb_data_chunk_get_size(input);
  bool* out = static_cast<bool*>(duckdb_vector_get_data(output));
  for (idx_t row = 0; row < rows; ++row) out[row] = true;
  if (!binding.state->count(rows)) duckdb_scalar_function_set_error(info, "the step was cancelled");
}

Status register_conversion(duckdb_connection connection, const std::string& name, duckdb_type returns,
                           duckdb_scalar_function_t body, Binding binding) {
  return register_function(connection, name, returns, body, new Binding(std::move(binding)),
                           [](void* extra) { delete static_cast<Binding*>(extra); });
}

}  // namespace

Conversion::Conversion(StepContext& step, NumberFormat numbers, size_t columns, uint64_t report_rows, uint64_t rows_max)
    : state_(std::make_shared<State>(columns)), connection_(step.connection_handle()), prefix_(random_function_name()) {
  state_->step = &step;
  state_->numbers = numbers;
  state_->report_rows = report_rows;
  if (report_rows == kNoReports) state_->next_report = UINT64_MAX;
  state_->rows_max = rows_max;
  state_->connection = connection_;
}

void Conversion::reads(uint64_t file_bytes) { state_->file_bytes = file_bytes; }

Conversion::~Conversion() {
  std::lock_guard lock(state_->mutex);
  state_->step = nullptr;
}

Result<std::string> Conversion::expression(size_t column, Kind kind, const std::string& argument) {
  if (kind == Kind::kText) return argument;
  const std::string name = prefix_ + "_" + std::to_string(column);
  const Binding binding{state_, column, !std::exchange(counting_, true)};
  Status registered;
  switch (kind) {
    case Kind::kBoolean:
      registered = register_conversion(connection_, name, DUCKDB_TYPE_BOOLEAN, to_boolean, binding);
      break;
    case Kind::kUnsigned:
      registered = register_conversion(connection_, name, DUCKDB_TYPE_UBIGINT, to_unsigned, binding);
      break;
    case Kind::kDouble:
      registered = register_conversion(connection_, name, DUCKDB_TYPE_DOUBLE, to_double, binding);
      break;
    default:
      registered = register_conversion(connection_, name, DUCKDB_TYPE_BIGINT, to_integer, binding);
      break;
  }
  if (!registered.ok()) return registered.error();
  return name + "(" + argument + ")";
}

Result<std::string> Conversion::counting_predicate(const std::string& argument) {
  if (std::exchange(counting_, true)) return std::string("true");
  const std::string name = prefix_ + "_rows";
  OSIRIS_TRY(register_conversion(connection_, name, DUCKDB_TYPE_BOOLEAN, count_rows, Binding{state_, 0, true}));
  return name + "(" + argument + ")";
}

std::optional<FailedValue> Conversion::failed() const {
  std::lock_guard lock(state_->mutex);
  return state_->failed;
}

bool Conversion::seen(size_t column) const { return state_->seen[column]; }

}  // namespace osiris::worker::csv
