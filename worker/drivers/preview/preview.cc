#include "worker/drivers/preview/preview.h"

#include <algorithm>
#include <vector>

#include "worker/drivers/preview/texts.h"

namespace osiris::worker {
namespace {

using preview::Column;
using preview::text_of;
using sql::quote_identifier;

// Of one statement: each binds every column of the table, of which there may be ten thousand.
constexpr size_t kColumnsAtOnce = 2000;

// Nulls, least and greatest value of columns [begin, end), added to `columns`.
Status add_counts(duckdb_connection connection, const std::string& source, uint64_t rows,
                  const std::vector<Column>& all, size_t begin, size_t end, Json& columns) {
  std::vector<std::string> wanted;
  for (size_t i = begin; i < end; ++i) {
    const std::string name = quote_identifier(all[i].name);
    const auto range = [&](const char* function) {
      return all[i].has_range() ? text_of(std::string(function) + "(" + name + ")") : std::string("NULL");
    };
    wanted.push_back("CAST(count(" + name + ") AS VARCHAR)");
    wanted.push_back(range("min"));
    wanted.push_back(range("max"));
  }
  OSIRIS_ASSIGN(const Json counted,
                preview::rows_of_texts(connection, "SELECT " + preview::row_of(wanted) + " FROM " + source));
  const Json& values = counted.items().at(0);
  for (size_t i = begin; i < end; ++i) {
    const size_t at = 3 * (i - begin);
    const uint64_t filled = std::stoull(values.items()[at].as_string());
    columns.push_back(Json::object({{"name", all[i].name},
                                    {"type", all[i].type},
                                    {"nulls", rows - filled},
                                    {"min", values.items()[at + 1]},
                                    {"max", values.items()[at + 2]}}));
  }
  return {};
}

// The first rows of the table, which keeps their order. Only these are made texts.
Result<Json> first_rows(StepContext& step, const std::string& source, const std::vector<Column>& all) {
  std::vector<std::string> wanted;
  for (const Column& column : all) wanted.push_back(text_of(quote_identifier(column.name)));
  return preview::rows_of_texts(step.connection_handle(), "SELECT " + preview::row_of(wanted) + " FROM (FROM " +
                                                              source + " LIMIT " +
                                                              std::to_string(preview::rows_wanted(step)) + ")");
}

Result<StepOutcome> run(StepContext& step) {
  if (step.inputs().size() != 1)
    return Error(Code::kInvalidArgument, "Step " + step.step_id() + ": a preview is of one input");
  const duckdb_connection connection = step.connection_handle();
  const Input& input = step.inputs().front();
  const std::string source = quote_identifier(input.name);
  OSIRIS_ASSIGN(const std::vector<Column> all, preview::columns_of(connection, input.name));
  Json columns = Json::array();
  for (size_t begin = 0; begin < all.size(); begin += kColumnsAtOnce)
    OSIRIS_TRY(
        add_counts(connection, source, input.rows, all, begin, std::min(all.size(), begin + kColumnsAtOnce), columns));
  OSIRIS_ASSIGN(Json shown, first_rows(step, source, all));
  OSIRIS_TRY(preview::write_document(
      step, Json::object({{"rows", input.rows}, {"columns", std::move(columns)}, {"shown", std::move(shown)}})));
  return StepOutcome{.rows_read = input.rows, .rows_written = 0};
}

constexpr Driver kDriver = {.name = "preview", .run = run};

}  // namespace

const Driver& preview_rows() { return kDriver; }

}  // namespace osiris::worker
