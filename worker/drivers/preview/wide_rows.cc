#include "worker/drivers/preview/wide_rows.h"

#include <duckdb.hpp>
#include <duckdb/common/operator/comparison_operators.hpp>
#include <duckdb/common/vector_operations/vector_operations.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "worker/driver_api/sql.h"

namespace osiris::worker::preview {
namespace {

// Rows of a chunk: how many of a column's values are none, and which is the least and the greatest.
struct InChunk {
  uint64_t nulls = 0;
  std::optional<std::pair<duckdb::idx_t, duckdb::idx_t>> extremes;  // rows
};

// By the engine's own order: NaN is the greatest number, and a month has 30 days.
template <class Value>
void find_extremes(const duckdb::UnifiedVectorFormat& values, duckdb::idx_t rows, InChunk& found) {
  const auto* const data = duckdb::UnifiedVectorFormat::GetData<Value>(values);
  const auto at = [&](duckdb::idx_t row) -> const Value& { return data[values.sel->get_index(row)]; };
  for (duckdb::idx_t row = 0; row < rows; ++row) {
    if (!values.validity.RowIsValid(values.sel->get_index(row))) continue;
    if (!found.extremes) found.extremes.emplace(row, row);
    auto& [least, greatest] = *found.extremes;
    if (duckdb::LessThan::Operation(at(row), at(least))) least = row;
    if (duckdb::GreaterThan::Operation(at(row), at(greatest))) greatest = row;
  }
}

InChunk look_at(duckdb::Vector& vector, duckdb::idx_t rows, bool has_range) {
  duckdb::UnifiedVectorFormat values;
  vector.ToUnifiedFormat(rows, values);
  InChunk found;
  if (!values.validity.AllValid())
    for (duckdb::idx_t row = 0; row < rows; ++row)
      found.nulls += !values.validity.RowIsValid(values.sel->get_index(row));
  if (!has_range) return found;
  switch (vector.GetType().InternalType()) {
    case duckdb::PhysicalType::BOOL:
      find_extremes<bool>(values, rows, found);
      break;
    case duckdb::PhysicalType::INT8:
      find_extremes<int8_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::INT16:
      find_extremes<int16_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::INT32:
      find_extremes<int32_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::INT64:
      find_extremes<int64_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::INT128:
      find_extremes<duckdb::hugeint_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::UINT8:
      find_extremes<uint8_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::UINT16:
      find_extremes<uint16_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::UINT32:
      find_extremes<uint32_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::UINT64:
      find_extremes<uint64_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::UINT128:
      find_extremes<duckdb::uhugeint_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::FLOAT:
      find_extremes<float>(values, rows, found);
      break;
    case duckdb::PhysicalType::DOUBLE:
      find_extremes<double>(values, rows, found);
      break;
    case duckdb::PhysicalType::VARCHAR:
      find_extremes<duckdb::string_t>(values, rows, found);
      break;
    case duckdb::PhysicalType::INTERVAL:
      find_extremes<duckdb::interval_t>(values, rows, found);
      break;
    default:
      break;
  }
  return found;
}

class Look {
 public:
  Look(duckdb_connection connection, const std::vector<Column>& all, uint64_t rows_wanted)
      : context_(*reinterpret_cast<duckdb::Connection*>(connection)->context),
        all_(all),
        rows_wanted_(rows_wanted),
        columns_(all.size()) {}

  void add(duckdb::DataChunk& chunk) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      const InChunk found = look_at(chunk.data[i], chunk.size(), all_[i].has_range());
      columns_[i].nulls += found.nulls;
      if (found.extremes) columns_[i].take(chunk.data[i], *found.extremes);
    }
    show(chunk);
  }

  // When no statement is open any more.
  WideRows take() {
    WideRows seen{Json::array(), std::move(shown_)};
    context_.RunFunctionInTransaction([&] {
      for (size_t i = 0; i < columns_.size(); ++i)
        seen.columns.push_back(Json::object({{"name", all_[i].name},
                                             {"type", all_[i].type},
                                             {"nulls", columns_[i].nulls},
                                             {"min", text(columns_[i].least)},
                                             {"max", text(columns_[i].greatest)}}));
    });
    return seen;
  }

 private:
  struct Seen {
    uint64_t nulls = 0;
    std::optional<duckdb::Value> least, greatest;

    void take(const duckdb::Vector& vector, const std::pair<duckdb::idx_t, duckdb::idx_t>& rows) {
      duckdb::Value low = vector.GetValue(rows.first), high = vector.GetValue(rows.second);
      if (!least || low < *least) least = std::move(low);
      if (!greatest || high > *greatest) greatest = std::move(high);
    }
  };

  Json text(const std::optional<duckdb::Value>& value) const {
    if (!value) return {};
    return Json(shown_text(value->CastAs(context_, duckdb::LogicalType::VARCHAR).GetValue<std::string>()));
  }

  // Column by column, as the chunk has them.
  void show(duckdb::DataChunk& chunk) {
    const auto count = std::min<uint64_t>(chunk.size(), rows_wanted_ - shown_.size());
    if (count == 0) return;
    std::vector<Json::Array> rows(count);
    for (size_t i = 0; i < columns_.size(); ++i) {
      duckdb::Vector texts(duckdb::LogicalType::VARCHAR, count);
      duckdb::VectorOperations::Cast(context_, chunk.data[i], texts, count);
      duckdb::UnifiedVectorFormat values;
      texts.ToUnifiedFormat(count, values);
      for (uint64_t row = 0; row < count; ++row) {
        const auto at = values.sel->get_index(row);
        rows[row].push_back(
            values.validity.RowIsValid(at)
                ? Json(shown_text(duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(values)[at].GetString()))
                : Json());
      }
    }
    for (Json::Array& row : rows) shown_.push_back(Json(std::move(row)));
  }

  duckdb::ClientContext& context_;
  const std::vector<Column>& all_;
  const uint64_t rows_wanted_;
  std::vector<Seen> columns_;
  Json shown_ = Json::array();
};

// Calls `visit` with each chunk of the statement's rows, in their order.
template <class Visit>
Status for_each_chunk(StepContext& step, const std::string& select, Visit visit) {
  struct Statement {
    ~Statement() {
      if (has_result) duckdb_destroy_result(&result);
      duckdb_destroy_pending(&pending);
      duckdb_destroy_prepare(&prepared);
    }
    duckdb_prepared_statement prepared = nullptr;
    duckdb_pending_result pending = nullptr;
    duckdb_result result{};
    bool has_result = false;
  } statement;
  const auto failed = [&](const char* text) {
    return sql::engine_error(duckdb_result_error_type(&statement.result), text ? text : "DuckDB gave no reason");
  };
  if (duckdb_prepare(step.connection_handle(), select.c_str(), &statement.prepared) == DuckDBError)
    return Error(Code::kStepFailed, duckdb_prepare_error(statement.prepared));
  if (duckdb_pending_prepared_streaming(statement.prepared, &statement.pending) == DuckDBError)
    return Error(Code::kStepFailed, duckdb_pending_error(statement.pending));
  statement.has_result = true;
  if (duckdb_execute_pending(statement.pending, &statement.result) == DuckDBError)
    return failed(duckdb_result_error(&statement.result));
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(statement.result)) {
    visit(*reinterpret_cast<duckdb::DataChunk*>(chunk));
    duckdb_destroy_data_chunk(&chunk);
    if (step.is_cancelled()) return step_cancelled();
  }
  const char* text = duckdb_result_error(&statement.result);
  return text && *text ? Status(failed(text)) : Status();
}

}  // namespace

Result<WideRows> look_at_wide_rows(StepContext& step, const std::string& source, const std::vector<Column>& all,
                                   uint64_t rows_wanted) {
  Look look(step.connection_handle(), all, rows_wanted);
  try {
    OSIRIS_TRY(for_each_chunk(step, "FROM " + source, [&](duckdb::DataChunk& chunk) { look.add(chunk); }));
    return look.take();
  } catch (const std::exception& failure) {
    const duckdb::ErrorData error(failure);
    return sql::engine_error(sql::type_of(error.Message()), error.Message());
  }
}

}  // namespace osiris::worker::preview
