#include "worker/drivers/preview/difference.h"

#include <unordered_map>
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
  std::unordered_map<std::string, size_t> places;  // of the columns, by their names in lower case

  const Column* find(const std::string& name) const {
    const auto found = places.find(ascii_lower(name));
    return found == places.end() ? nullptr : &columns[found->second];
  }
};

Result<Side> side_of(StepContext& step, const Input& input) {
  OSIRIS_ASSIGN(std::vector<Column> columns, preview::columns_of(step.connection_handle(), input.name));
  Side side{input, std::move(columns), {}};
  for (size_t i = 0; i < side.columns.size(); ++i) side.places.emplace(ascii_lower(side.columns[i].name), i);
  return side;
}

// A row of the columns that both have, as texts.
std::string rows_of(const Side& side, const std::vector<std::string>& shared, const char* count) {
  std::vector<std::string> texts;
  for (const std::string& name : shared) texts.push_back("CAST(" + quote_identifier(name) + " AS VARCHAR)");
  return "SELECT " + preview::row_of(texts) + " AS texts, " + count + " AS n FROM " + quote_identifier(side.input.name);
}

Json names_only_in(const Side& side, const Side& other) {
  Json names = Json::array();
  for (const Column& column : side.columns)
    if (!other.find(column.name)) names.push_back(column.name);
  return names;
}

// Rows that one side has more often than the other: how much more often, below zero on the right.
constexpr char kDiffering[] = "\"rows of one side\"";

// One table of both: what a side has, the other takes away.
Status find_differing(StepContext& step, const Side& left, const Side& right, const std::vector<std::string>& shared) {
  return sql::execute(step.connection_handle(),
                      std::string("CREATE TEMP TABLE ") + kDiffering +
                          " AS SELECT texts, CAST(sum(n) AS BIGINT) AS n FROM (" + rows_of(left, shared, "1") +
                          " UNION ALL " + rows_of(right, shared, "-1") + ") GROUP BY texts HAVING sum(n) <> 0");
}

// What of `side` is not in `other`; `count`: of a row of this side, as SQL.
Result<Json> only_in(StepContext& step, const Side& side, const Side& other, const std::vector<std::string>& shared,
                     const std::string& count) {
  Json out = Json::object({{"rows", side.input.rows}, {"columns_only", names_only_in(side, other)}});
  uint64_t rows_only = 0;
  Json shown = Json::array();
  if (!shared.empty()) {
    const duckdb_connection connection = step.connection_handle();
    const std::string of_side = std::string(" FROM ") + kDiffering + " WHERE " + count + " > 0";
    OSIRIS_ASSIGN(auto counted,
                  sql::run_query(connection, "SELECT CAST(coalesce(sum(" + count + "), 0) AS BIGINT)" + of_side));
    rows_only = static_cast<uint64_t>(counted.integer());
    // Each as often as it is there.
    const std::string wanted = std::to_string(preview::rows_wanted(step));
    OSIRIS_ASSIGN(shown, preview::rows_of_texts(
                             connection, "SELECT list_transform(texts, lambda each: " + preview::text_of("each") +
                                             ") FROM (SELECT texts, unnest(range(least(" + count + ", " + wanted +
                                             "))) AS time" + of_side + ") ORDER BY texts LIMIT " + wanted));
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
  if (!shared.empty()) OSIRIS_TRY(find_differing(step, left, right, shared));
  OSIRIS_ASSIGN(Json only_left, only_in(step, left, right, shared, "n"));
  OSIRIS_ASSIGN(Json only_right, only_in(step, right, left, shared, "-n"));
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
