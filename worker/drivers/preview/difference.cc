#include "worker/drivers/preview/difference.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/base/text.h"
#include "worker/drivers/preview/texts.h"

namespace osiris::worker {
namespace {

using preview::Column;
using sql::quote_identifier;

struct Side {
  const Input& input;
  std::vector<Column> columns;

  const Column* find(const std::string& name) const {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& column) {
      return ascii_lower(column.name) == ascii_lower(name);
    });
    return found == columns.end() ? nullptr : &*found;
  }
};

Result<Side> side_of(StepContext& step, const Input& input) {
  OSIRIS_ASSIGN(std::vector<Column> columns, preview::columns_of(step.connection_handle(), input.name));
  return Side{input, std::move(columns)};
}

// The columns that both have, as texts.
std::string select_of(const Side& side, const std::vector<std::string>& shared) {
  std::string list;
  for (const std::string& name : shared) {
    const std::string column = quote_identifier(name);
    list += (list.empty() ? "" : ", ") + ("CAST(" + column + " AS VARCHAR) AS " + column);
  }
  return "SELECT " + list + " FROM " + quote_identifier(side.input.name);
}

Json names_only_in(const Side& side, const Side& other) {
  Json names = Json::array();
  for (const Column& column : side.columns)
    if (!other.find(column.name)) names.push_back(column.name);
  return names;
}

// What of `side` is not in `other`.
Result<Json> only_in(StepContext& step, const Side& side, const Side& other, const std::vector<std::string>& shared) {
  Json out = Json::object({{"rows", side.input.rows}, {"columns_only", names_only_in(side, other)}});
  uint64_t rows_only = 0;
  Json shown = Json::array();
  if (!shared.empty()) {
    const duckdb_connection connection = step.connection_handle();
    const std::string table = quote_identifier("only in " + side.input.name);
    OSIRIS_TRY(sql::execute(connection, "CREATE TEMP TABLE " + table + " AS (" + select_of(side, shared) +
                                            ") EXCEPT ALL (" + select_of(other, shared) + ")"));
    OSIRIS_ASSIGN(auto counted, sql::run_query(connection, "SELECT count(*) FROM " + table));
    rows_only = static_cast<uint64_t>(counted.integer());
    std::string list;
    for (const std::string& name : shared)
      list += (list.empty() ? "" : ", ") + preview::text_of(quote_identifier(name));
    OSIRIS_ASSIGN(shown, preview::texts(connection, "SELECT " + list + " FROM " + table + " ORDER BY ALL LIMIT " +
                                                        std::to_string(preview::rows_wanted(step))));
    OSIRIS_TRY(sql::execute(connection, "DROP TABLE " + table));
  }
  out.set("rows_only", rows_only);
  out.set("shown", std::move(shown));
  return out;
}

Result<StepOutcome> run(StepContext& step) {
  if (step.inputs().size() != 2)
    return Error(Code::kInvalidArgument, "Step " + step.step_id() + ": a difference is of two inputs");
  OSIRIS_ASSIGN(const Side left, side_of(step, step.inputs()[0]));
  OSIRIS_ASSIGN(const Side right, side_of(step, step.inputs()[1]));
  std::vector<std::string> shared;
  Json names = Json::array(), types = Json::array();
  for (const Column& column : left.columns) {
    const Column* same = right.find(column.name);
    if (!same) continue;
    shared.push_back(column.name);
    names.push_back(column.name);
    if (same->type != column.type)
      types.push_back(Json::object({{"name", column.name}, {"left", column.type}, {"right", same->type}}));
  }
  OSIRIS_ASSIGN(Json only_left, only_in(step, left, right, shared));
  OSIRIS_ASSIGN(Json only_right, only_in(step, right, left, shared));
  OSIRIS_TRY(preview::write_document(step, Json::object({{"columns", std::move(names)},
                                                         {"types", std::move(types)},
                                                         {"left", std::move(only_left)},
                                                         {"right", std::move(only_right)}})));
  return StepOutcome{.rows_read = left.input.rows + right.input.rows, .rows_written = 0};
}

constexpr Driver kDriver = {.name = "difference", .run = run};

}  // namespace

const Driver& row_difference() { return kDriver; }

}  // namespace osiris::worker
