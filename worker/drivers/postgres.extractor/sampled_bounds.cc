#include "worker/drivers/postgres.extractor/sampled_bounds.h"

#include <algorithm>

#include "worker/drivers/postgres.extractor/copy.h"

namespace osiris::worker::postgres {
namespace {

constexpr double kPagesMin = 8192;        // of a table
constexpr double kSampledPages = 1024;    // at least
constexpr double kSampledOfRange = 8000;  // rows, at least: how far ranges differ in size follows from both
constexpr double kShareMax = 0.125;       // of the pages; counting rows off costs less than a larger sample
constexpr size_t kBoundsMax = 100'000;

// The share of its pages that is looked at; nullopt: none.
Result<std::optional<double>> share_of(Connection& connection, const ExtractSettings& settings,
                                       uint64_t rows_per_range) {
  std::optional<double> share;
  if (settings.table.empty()) return share;
  OSIRIS_ASSIGN(const Answer answer,
                connection.ask("SELECT pg_catalog.pg_relation_size(oid) / "
                               "pg_catalog.current_setting('block_size')::bigint FROM pg_catalog.pg_class WHERE oid = "
                               "pg_catalog.to_regclass($1) AND relkind = 'r' AND NOT relhassubclass",
                               {settings.table}));
  if (answer.rows() == 0) return share;
  const double pages = std::stod(answer.text(0, 0));
  if (pages < kPagesMin) return share;
  const double wanted = std::max(kSampledPages / pages, kSampledOfRange / static_cast<double>(rows_per_range));
  if (wanted <= kShareMax) share = wanted;
  return share;
}

}  // namespace

Result<std::optional<std::vector<std::string>>> sampled_bounds(Connection& connection, const ExtractSettings& settings,
                                                               const Columns& columns, const db::KeyedRows& rows,
                                                               uint64_t rows_per_range) {
  std::optional<std::vector<std::string>> none;
  OSIRIS_ASSIGN(const auto share, share_of(connection, settings, rows_per_range));
  if (!share) return none;
  ExtractSettings sampled = settings;
  sampled.sql += " TABLESAMPLE SYSTEM (" + std::to_string(*share * 100) + ") REPEATABLE (0)";
  // Of the sample's rows every n-th begins a range, unless less than half of one is left. Values that the database
  // does not tell apart are one.
  const std::string range = std::to_string(*share * static_cast<double>(rows_per_range)) + "::pg_catalog.float8";
  const std::string numbered = "SELECT " + rows.key + ", pg_catalog.row_number() OVER (ORDER BY " + rows.key +
                               ") AS osiris_number, pg_catalog.count(*) OVER () AS osiris_count FROM " +
                               named_subquery(sampled, columns) + " WHERE " + rows.key + " IS NOT NULL" +
                               (rows.condition.empty() ? "" : " AND (" + rows.condition + ")");
  OSIRIS_ASSIGN(
      const Answer answer,
      connection.ask("SELECT " + rows.text + " AS osiris_bound FROM (SELECT DISTINCT " + rows.key + " FROM (" +
                     numbered + ") AS osiris_sample WHERE pg_catalog.floor(osiris_number / " + range +
                     ") > pg_catalog.floor((osiris_number - 1) / " + range +
                     ") AND osiris_count - osiris_number >= " + range + " / 2) AS osiris_key ORDER BY " + rows.key));
  std::vector<std::string> bounds;
  for (size_t row = 0; row < answer.rows(); ++row) bounds.push_back(answer.text(row, 0));
  // What cannot be divided so is for key_bounds() to tell.
  if (bounds.size() > kBoundsMax || std::adjacent_find(bounds.begin(), bounds.end()) != bounds.end()) return none;
  return std::optional(std::move(bounds));
}

}  // namespace osiris::worker::postgres
