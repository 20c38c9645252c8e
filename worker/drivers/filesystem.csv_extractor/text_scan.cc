#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

#include <duckdb.hpp>
#include <duckdb/function/table/read_csv.hpp>
#include <duckdb/main/client_context.hpp>

#include <algorithm>
#include <utility>

#include "worker/driver_api/scan_function.h"

namespace osiris::worker::csv {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

// An eighth of DuckDB's default: each thread holds a few, and they are not counted in its memory limit; batch_writer.cc
// counts on their size.
constexpr uint64_t kBufferBytes = uint64_t{4} << 20;

std::string_view text_of(const duckdb::string_t& value) { return {value.GetData(), value.GetSize()}; }

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
      was_read_(plan_.columns.size()) {
  for (const ScanColumn& column : plan_.columns) trackers_.push_back(column.tracker);
}

KindTracker ScanState::tracker(size_t column) const {
  const std::lock_guard lock(mutex_);
  return trackers_[column];
}

// What one thread of a scan converts.
class ScanState::Thread {
 public:
  explicit Thread(ScanState& state) : state_(state) {
    for (const ScanColumn& column : state.plan_.columns) trackers_.push_back(column.tracker);
    ++state_.open_;
  }
  ~Thread() { end(false); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Everything this thread was given has been read.
  void end(bool exhausted) {
    if (std::exchange(ended_, true)) return;
    {
      const std::lock_guard lock(state_.mutex_);
      for (size_t i = 0; i < trackers_.size(); ++i) state_.trackers_[i].merge(trackers_[i]);
    }
    if (!exhausted) return;  // given up: the scan is not complete
    state_.exhausted_ = true;
    --state_.open_;
  }

  void count(uint64_t rows, const std::function<double()>& percent) {
    const uint64_t total = state_.rows_ += rows;
    if (state_.report && !state_.report(total, percent)) throw duckdb::InterruptException();
  }

  void observe(size_t index, duckdb::Vector& text, uint64_t rows) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    const auto& validity = duckdb::FlatVector::Validity(text);
    for (uint64_t row = 0; row < rows; ++row)
      if (validity.RowIsValid(row) && !state_.plan_.nulls.contains(text_of(values[row])))
        trackers_[index].observe(text_of(values[row]));
  }

  // False where a value does not fit.
  bool convert(size_t index, duckdb::Vector& text, duckdb::Vector* out, uint64_t rows) {
    const ScanColumn& column = state_.plan_.columns[index];
    if (column.is_guess && !trackers_[index].is_final()) observe(index, text, rows);
    if (column.kind == Kind::kText) {
      mark_nulls(text, rows);
      if (out) out->Reference(text);
      return true;
    }
    switch (column.kind) {
      case Kind::kBoolean:
        return convert_as<bool>(index, text, out, rows, parse_boolean);
      case Kind::kUnsigned:
        return convert_as<uint64_t>(index, text, out, rows, parse_unsigned);
      case Kind::kDouble:
        return convert_as<double>(index, text, out, rows, parse_double);
      default:
        return convert_as<int64_t>(index, text, out, rows, [this, index](std::string_view field) {
          const auto value = parse_integer(field);
          if (value && (*value < 0 || (*value == 0 && field.find('-') != field.npos)))
            trackers_[index].observe_negative();
          return value;
        });
    }
  }

  void fail() { state_.unfit_ = true; }

 private:
  void mark_nulls(duckdb::Vector& text, uint64_t rows) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    auto& validity = duckdb::FlatVector::Validity(text);
    for (uint64_t row = 0; row < rows; ++row)
      if (validity.RowIsValid(row) && state_.plan_.nulls.contains(text_of(values[row]))) validity.SetInvalid(row);
  }

  template <class Out, class Parse>
  bool convert_as(size_t index, duckdb::Vector& text, duckdb::Vector* out, uint64_t rows, Parse parse) {
    const auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(text);
    const auto& validity = duckdb::FlatVector::Validity(text);
    const NullWords& nulls = state_.plan_.nulls;
    Out* data = out ? duckdb::FlatVector::GetData<Out>(*out) : nullptr;
    bool seen = false;
    for (uint64_t row = 0; row < rows; ++row) {
      std::optional<Out> value;
      if (validity.RowIsValid(row)) {
        const std::string_view field = text_of(values[row]);
        // Most fields are values: a word that means NULL is looked for where there is none, unless it would be one.
        if (!state_.numeric_nulls_ || !nulls.contains(field)) {
          const auto number = state_.plan_.numbers.plain(field, buffer_);
          if (number) value = parse(*number);
          if (!value && !nulls.contains(field)) return false;
        }
      }
      seen |= value.has_value();
      if (!data) continue;
      if (value) {
        data[row] = *value;
      } else {
        duckdb::FlatVector::Validity(*out).SetInvalid(row);
      }
    }
    if (!seen) return true;
    if (state_.plan_.columns[index].must_be_null) return false;
    if (std::is_same_v<Out, int64_t>) trackers_[index].observe_whole();
    if (!state_.has_values_[index].load(std::memory_order_relaxed)) state_.has_values_[index] = true;
    return true;
  }

  ScanState& state_;
  std::vector<KindTracker> trackers_;
  std::string buffer_;
  bool ended_ = false;
};

namespace {

struct ScanInfo : duckdb::TableFunctionInfo {
  explicit ScanInfo(std::shared_ptr<ScanState> s)
      : state(std::move(s)), reader(duckdb::ReadCSVTableFunction::GetFunction()) {}
  std::shared_ptr<ScanState> state;
  duckdb::TableFunction reader;
};

struct ScanBind : duckdb::TableFunctionData {
  duckdb::shared_ptr<ScanInfo> info;
  duckdb::unique_ptr<duckdb::FunctionData> reader;
};

// strict_mode is left at its default, which is true: DuckDB 1.4.4 finds no rows at all in some CRLF files when it is
// spelt out.
duckdb::named_parameter_map_t reader_options(const ScanPlan& plan) {
  duckdb::child_list_t<Value> columns;
  for (size_t i = 0; i < plan.fields; ++i) columns.emplace_back("c" + std::to_string(i), Value("VARCHAR"));
  duckdb::named_parameter_map_t options;
  options["auto_detect"] = Value::BOOLEAN(false);
  options["header"] = Value::BOOLEAN(false);
  options["skip"] = Value::BIGINT(static_cast<int64_t>(plan.skip_lines));
  options["delim"] = Value(std::string(1, plan.delimiter));
  options["quote"] = Value("\"");
  options["escape"] = Value("\"");
  options["new_line"] = Value(plan.crlf ? "\\r\\n" : "\\n");
  options["columns"] = Value::STRUCT(std::move(columns));
  options["nullstr"] = Value::LIST(LogicalType::VARCHAR, {Value("")});
  options["compression"] = Value("none");
  options["buffer_size"] = Value::UBIGINT(kBufferBytes);
  return options;
}

duckdb::unique_ptr<duckdb::FunctionData> bind(duckdb::ClientContext& context, duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types, duckdb::vector<std::string>& names) {
  auto bound = duckdb::make_uniq<ScanBind>();
  bound->info = duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, ScanInfo>(input.table_function.function_info);
  const ScanPlan& plan = bound->info->state->plan();
  duckdb::vector<Value> file = {Value(plan.file)};
  auto options = reader_options(plan);
  duckdb::vector<LogicalType> text_types;
  duckdb::vector<std::string> text_names;
  duckdb::TableFunctionBindInput reader_input(file, options, input.input_table_types, input.input_table_names, nullptr,
                                              input.binder, bound->info->reader, input.ref);
  bound->reader = bound->info->reader.bind(context, reader_input, text_types, text_names);
  for (const ScanColumn& column : plan.columns) {
    types.push_back(engine_type(column.kind));
    names.push_back(column.name);
  }
  return bound;
}

struct ScanGlobal : duckdb::GlobalTableFunctionState {
  duckdb::idx_t MaxThreads() const override { return reader->MaxThreads(); }

  struct Read {
    size_t column;                                          // of the plan
    duckdb::idx_t out = duckdb::DConstants::INVALID_INDEX;  // in the chunk that is given; none: only looked at
  };
  std::vector<Read> reads;  // in the order of the reader's columns
  duckdb::vector<duckdb::column_t> fields;
  const duckdb::vector<duckdb::idx_t> all;  // no projection within the fields
  duckdb::unique_ptr<duckdb::GlobalTableFunctionState> reader;
};

struct ScanLocal : duckdb::LocalTableFunctionState {
  explicit ScanLocal(ScanState& state) : thread(state) {}
  ScanState::Thread thread;
  duckdb::unique_ptr<duckdb::LocalTableFunctionState> reader;
  duckdb::DataChunk text;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin(duckdb::ClientContext& context,
                                                           duckdb::TableFunctionInitInput& input) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  ScanState& state = *bound.info->state;
  if (!state.begin()) throw duckdb::InvalidInputException("a stream is read once");
  auto global = duckdb::make_uniq<ScanGlobal>();
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
  duckdb::TableFunctionInitInput reader_input(bound.reader.get(), global->fields, global->all, nullptr, nullptr,
                                              input.op);
  global->reader = bound.info->reader.init_global(context, reader_input);
  return global;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> begin_thread(duckdb::ExecutionContext& context,
                                                                 duckdb::TableFunctionInitInput& input,
                                                                 duckdb::GlobalTableFunctionState* some) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  auto& global = some->Cast<ScanGlobal>();
  auto local = duckdb::make_uniq<ScanLocal>(*bound.info->state);
  duckdb::TableFunctionInitInput reader_input(bound.reader.get(), global.fields, global.all, nullptr, nullptr,
                                              input.op);
  local->reader = bound.info->reader.init_local(context, reader_input, global.reader.get());
  if (!local->reader) local->thread.end(true);  // others have all there is
  local->text.Initialize(context.client, duckdb::vector<LogicalType>(global.fields.size(), LogicalType::VARCHAR));
  return local;
}

// Gives the rows of `local.text`, or none once values do not fit.
void give(ScanState& state, ScanGlobal& global, ScanLocal& local, bool watch, duckdb::DataChunk& out) {
  const uint64_t rows = local.text.size();
  for (auto& vector : local.text.data) vector.Flatten(rows);
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

double progress(duckdb::ClientContext& context, const duckdb::FunctionData* data,
                const duckdb::GlobalTableFunctionState* global) {
  const auto& bound = data->Cast<ScanBind>();
  return bound.info->reader.table_scan_progress(context, bound.reader.get(), global->Cast<ScanGlobal>().reader.get());
}

void scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  auto& global = input.global_state->Cast<ScanGlobal>();
  auto& local = input.local_state->Cast<ScanLocal>();
  while (local.reader) {
    local.text.Reset();
    // Not asynchronous: the end comes after the last rows and not with them.
    duckdb::TableFunctionInput reader_input(bound.reader.get(), local.reader.get(), global.reader.get());
    bound.info->reader.function(context, reader_input, local.text);
    if (local.text.size() == 0) {
      local.thread.end(true);
      local.reader.reset();
      break;
    }
    local.thread.count(local.text.size(), [&] { return progress(context, input.bind_data.get(), &global); });
    give(*bound.info->state, global, local, bound.info->state->watches(), out);
    if (out.size() > 0) break;
  }
  input.async_result = out.size() > 0 ? duckdb::SourceResultType::HAVE_MORE_OUTPUT : duckdb::SourceResultType::FINISHED;
}

duckdb::OperatorPartitionData partition(duckdb::ClientContext& context, duckdb::TableFunctionGetPartitionInput& input) {
  const auto& bound = input.bind_data->Cast<ScanBind>();
  const auto& local = input.local_state->Cast<ScanLocal>();
  duckdb::TableFunctionGetPartitionInput reader_input(bound.reader.get(), local.reader.get(),
                                                      input.global_state->Cast<ScanGlobal>().reader.get(),
                                                      input.partition_info);
  return bound.info->reader.get_partition_data(context, reader_input);
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
