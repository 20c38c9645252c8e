#include "worker/drivers/preview/preview.h"

#include <utility>
#include <vector>

#include "worker/drivers/preview/texts.h"
#include "worker/drivers/preview/wide_rows.h"

namespace osiris::worker {
namespace {

using preview::Column;
using preview::text_of;
using sql::quote_identifier;

// Nulls, least and greatest value of each, added to `columns`.
Status add_counts(duckdb_connection connection, const std::string& source, uint64_t rows,
                  const std::vector<Column>& all, Json& columns) {
  std::vector<std::string> wanted;
  for (const Column& column : all) {
    const std::string name = quote_identifier(column.name);
    const auto range = [&](const char* function) {
      return column.has_range() ? text_of(std::string(function) + "(" + name + ")") : std::string("NULL");
    };
    wanted.push_back("CAST(count(" + name + ") AS VARCHAR)");
    wanted.push_back(range("min"));
    wanted.push_back(range("max"));
  }
  OSIRIS_ASSIGN(const Json counted,
                preview::rows_of_texts(connection, "SELECT " + preview::row_of(wanted) + " FROM " + source));
  const Json& values = counted.items().at(0);
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t at = 3 * i;
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
  Json columns = Json::array(), shown;
  if (all.size() >= preview::kWideColumns) {
    OSIRIS_ASSIGN(preview::WideRows seen, preview::look_at_wide_rows(step, source, all, preview::rows_wanted(step)));
    columns = std::move(seen.columns);
    shown = std::move(seen.shown);
  } else {
    OSIRIS_TRY(add_counts(connection, source, input.rows, all, columns));
    OSIRIS_ASSIGN(shown, first_rows(step, source, all));
  }
  OSIRIS_TRY(preview::write_document(
      step, Json::object({{"rows", input.rows}, {"columns", std::move(columns)}, {"shown", std::move(shown)}})));
  return StepOutcome{.rows_read = input.rows, .rows_written = 0};
}

constexpr Driver kDriver = {.name = "preview", .run = run};

}  // namespace

const Driver& preview_rows() { return kDriver; }

}  // namespace osiris::worker
