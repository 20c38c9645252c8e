#include "worker/drivers/postgres.extractor/extract.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>

#include "protocol/base/categories.h"
#include "protocol/base/side_by_side.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/key_bounds.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres.extractor/copy.h"
#include "worker/drivers/postgres.extractor/key_column.h"
#include "worker/drivers/postgres.extractor/sampled_bounds.h"
#include "worker/drivers/postgres.extractor/split.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

Result<Columns> columns_of_select(Connection& connection, const Answer& description, const ExtractSettings& settings) {
  if (description.columns() == 0)
    return Error(Code::kStepFailed, "PostgreSQL query failed: the statement returns no columns",
                 "an extractor needs a SELECT, VALUES, TABLE or WITH", category::kExtractQueryFailed);
  return columns_of(connection, description, settings);
}

Result<Columns> described_columns(Connection& connection, const ExtractSettings& settings) {
  OSIRIS_ASSIGN(const Answer description, connection.describe(settings.sql));
  return columns_of_select(connection, description, settings);
}

using Filters = std::vector<std::string>;

// The ranges of whole numbers from `least` to `most` that are read side by side; what is NULL goes with the first, in a
// statement of its own: with an OR the server would look through the whole table for the two.
std::vector<Filters> filters_of(const std::string& name, int64_t least, int64_t most, uint32_t parts) {
  if (parts == 1) return {{"true"}};
  const uint64_t span = static_cast<uint64_t>(most) - static_cast<uint64_t>(least);
  const uint64_t width = span / parts + 1;
  std::vector<Filters> filters;
  for (uint64_t begin = 0; filters.size() < parts; begin += width) {
    const auto from = std::to_string(static_cast<int64_t>(static_cast<uint64_t>(least) + begin));
    const bool is_last = span - begin < width;
    std::string filter = filters.empty() ? "" : name + " >= " + from;
    if (!is_last) {
      const auto to = std::to_string(static_cast<int64_t>(static_cast<uint64_t>(least) + begin + width));
      filter += (filter.empty() ? "" : " AND ") + name + " < " + to;
    }
    if (!filters.empty()) {
      filters.push_back({filter});
    } else if (filter.empty()) {
      filters.push_back({"true"});
    } else {
      filters.push_back({filter, name + " IS NULL"});
    }
    if (is_last) break;
  }
  return filters;
}

// Chunks ask the server for their bounds, whatever the type; parts alone are cut here, from whole numbers.
Result<uint32_t> partition_place(const Partition& partition, const Answer& description) {
  OSIRIS_ASSIGN(const uint32_t place, place_of_column(description, "'partition'", partition.column));
  if (partition.chunk_rows > 0) return place;
  switch (PQftype(description.get(), static_cast<int>(place))) {
    case kInt2Oid:
    case kInt4Oid:
    case kInt8Oid:
      return place;
    default:
      return refused_column("'partition'", partition.column, "which does not hold whole numbers",
                            "name a smallint, integer or bigint column, a key for example");
  }
}

// Rows that meet one of the filters, and the chosen chunk that they are of.
struct Range {
  Filters filters;
  size_t chunk = 0;
};

// Each of them, and `condition` unless it is empty.
Filters with_condition(Filters filters, const std::string& condition) {
  for (std::string& filter : filters)
    if (!condition.empty()) filter += (filter.empty() ? "" : " AND ") + condition;
  return filters;
}

// Connections that take one range after the other, all in the snapshot of `leader`, which keeps it open.
class PartitionedCopy {
 public:
  PartitionedCopy(const ExtractSettings& settings, const CallContext& call, const Columns& columns, db::RowQueue& queue,
                  db::SourceUse& use, std::vector<Range> ranges)
      : settings_(settings), call_(call), columns_(columns), queue_(queue), use_(use), ranges_(std::move(ranges)) {}

  Status run(Connection& leader) {
    OSIRIS_ASSIGN(const Answer answer, leader.ask("SELECT pg_catalog.pg_export_snapshot()"));
    const std::string snapshot = answer.text(0, 0);
    while (followers_.size() + 1 < std::min<size_t>(ranges_.size(), settings_.partition->parts)) {
      auto turn = use_.try_open(place_of(settings_.server));
      if (!turn) break;
      followers_.push_back(std::make_unique<Follower>(*std::move(turn)));
      call_.deadline->lead(followers_.back()->deadline);
    }
    side_by_side(followers_.size() + 1, [&](size_t index) {
      try {
        note(index == 0 ? read_ranges(leader, call_) : follow(snapshot, *followers_[index - 1]));
      } catch (const std::bad_alloc&) {
        note(db::out_of_memory_error(kServer, call_.step_id));
      }
    });
    call_.deadline->lead_none();
    return failure_;
  }

 private:
  Status read_ranges(Connection& connection, const CallContext& call) {
    for (size_t i = next_++; i < ranges_.size(); i = next_++) {
      const auto& [filters, chunk] = ranges_[i];
      if (!queue_.begin_range(chunk)) return cancelled_error(call.step_id);
      for (const std::string& filter : filters) {
        const std::string statement = copy_sql(settings_, columns_, filter);
        OSIRIS_TRY(Copy(settings_, call, columns_, queue_).run(connection, statement, chunk));
      }
      queue_.end_range(chunk);
    }
    return {};
  }

  // One of the other connections.
  struct Follower {
    explicit Follower(db::SourceUse::Transaction t) : turn(std::move(t)) {}
    std::optional<db::SourceUse::Transaction> turn;  // until it has ended
    Deadline deadline;
  };

  Status follow(const std::string& snapshot, Follower& follower) {
    db::SourceUse::Transaction turn = *std::move(follower.turn);
    follower.turn.reset();
    CallContext call = call_;
    call.deadline = &follower.deadline;
    OSIRIS_ASSIGN(const auto connection, Connection::open(settings_.server, call, Purpose::kRead));
    OSIRIS_TRY(connection->run(kBeginRead));
    turn.begin();
    OSIRIS_TRY(connection->run("SET TRANSACTION SNAPSHOT " + sql::quote_literal(snapshot)));
    OSIRIS_TRY(read_ranges(*connection, call));
    return connection->run("ROLLBACK");
  }

  // The first failure is the step's; the other readers end by it.
  void note(const Status& status) {
    if (status.ok()) return;
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return;
    failure_ = status;
    call_.deadline->cancel();
    queue_.close();  // a reader may wait for rows to be taken that come no more
  }

  const ExtractSettings& settings_;
  const CallContext& call_;
  const Columns& columns_;
  db::RowQueue& queue_;
  db::SourceUse& use_;
  const std::vector<Range> ranges_;
  std::atomic<size_t> next_{0};  // of the ranges
  std::vector<std::unique_ptr<Follower>> followers_;
  std::mutex mutex_;
  Status failure_;
};

// The condition that leaves only rows which the kept state asks for; empty: all of them.
Result<std::string> filter_of(const ExtractSettings& settings, const Answer& description, const Columns& columns) {
  if (!settings.incremental) return std::string();
  const Incremental& incremental = *settings.incremental;
  const auto kept = std::find_if(columns.kept.begin(), columns.kept.end(), [&](const Column& column) {
    return ascii_lower(column.name) == ascii_lower(incremental.column());
  });
  if (kept == columns.kept.end()) {
    std::vector<std::string> names;
    for (const Column& column : columns.kept) names.push_back(column.name);
    return Error(Code::kInvalidArgument,
                 "the rows have no column '" + incremental.column() + "', which 'column' of incremental names",
                 "their columns are " + join(names, ", "), category::kConfigInvalid);
  }
  const uint32_t place = columns.places[static_cast<size_t>(kept - columns.kept.begin())];
  const Oid type = PQftype(description.get(), static_cast<int>(place));
  if (kept->is_cast || (kept->kind == Kind::kText && type != kTextOid && type != kVarcharOid))
    return Error(Code::kInvalidArgument,
                 "column '" + kept->name + "' is read as text, and is none: incremental has no order for it",
                 type == kNumericOid ? "declare its digits, `numeric: decimal(18,2)`" : "cast it in the query",
                 category::kConfigInvalid);
  OSIRIS_ASSIGN(const auto least, incremental.least(kept->type()));
  const std::string name = place_name(place);
  if (!least) return incremental.skips_nulls() ? name + " IS NOT NULL" : std::string();
  std::string literal = sql::quote_literal(*least);
  if (literal.ends_with(" (BC)'")) literal.replace(literal.size() - 6, 6, " BC'");
  // By bytes, whatever the database's collation: the engine finds the greatest value that way.
  const std::string since = kept->kind == Kind::kText ? name + " COLLATE \"C\" >= " + literal : name + " >= " + literal;
  return incremental.skips_nulls() ? since : "(" + since + " OR " + name + " IS NULL)";
}

Result<std::vector<std::string>> bounds_of(const ExtractSettings& settings, Connection& leader, const Columns& columns,
                                           const db::KeyedRows& rows) {
  const Partition& partition = *settings.partition;
  const uint64_t rows_per_range = std::max<uint64_t>(1, partition.chunk_rows / partition.parts);
  OSIRIS_ASSIGN(auto sampled, sampled_bounds(leader, settings, columns, rows, rows_per_range));
  return sampled ? Result<std::vector<std::string>>(*std::move(sampled)) : db::key_bounds(rows, rows_per_range);
}

Status extract_chunks(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use,
                      Connection& leader, const Columns& columns, const db::KeyedRows& rows) {
  const Partition& partition = *settings.partition;
  ChunkPlan plan;
  plan.ranges_per_chunk = partition.parts;
  OSIRIS_ASSIGN(plan.bounds, bounds_of(settings, leader, columns, rows));
  queue.offer_chunks(std::move(plan), db::identity_of_rows(place_of(settings.server) + "\n" + settings.server.database +
                                                               "\n" + settings.server.schema,
                                                           settings.sql, columns.relation(), partition.column));
  queue.announce(columns.relation(), columns.form());
  const auto choice = queue.choice();
  if (!choice) return cancelled_error(call.step_id);
  std::vector<Range> ranges;
  const auto add = [&](size_t range, size_t chunk) {
    const std::vector<std::string>& bounds = choice->plan.bounds;
    // As in filters_of().
    Filters filters = {db::range_of_values(rows, bounds, range)};
    if (range == 0 && !bounds.empty()) filters.push_back(rows.key + " IS NULL");
    ranges.push_back({with_condition(std::move(filters), rows.condition), chunk});
  };
  for (size_t range = 0; !choice->by_chunk && range <= choice->plan.bounds.size(); ++range) add(range, 0);
  for (size_t i = 0; i < choice->chunks.size(); ++i) {
    const auto [first, count] = choice->plan.ranges_of(choice->chunks[i]);
    for (size_t range = first; range < first + count; ++range) add(range, i);
  }
  if (ranges.empty()) return {};
  return PartitionedCopy(settings, call, columns, queue, use, std::move(ranges)).run(leader);
}

Status extract_parts(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use,
                     Connection& leader) {
  OSIRIS_ASSIGN(const Answer description, leader.describe(settings.sql));
  OSIRIS_ASSIGN(const uint32_t place, partition_place(*settings.partition, description));
  OSIRIS_ASSIGN(const Columns columns, columns_of_select(leader, description, settings));
  OSIRIS_ASSIGN(const std::string since, filter_of(settings, description, columns));
  const std::string name = place_name(place);
  if (settings.partition->chunk_rows > 0) {
    db::KeyedRows rows = keyed_rows(leader, named_subquery(settings, columns), name);
    rows.condition = since;
    return extract_chunks(settings, call, queue, use, leader, columns, rows);
  }
  OSIRIS_ASSIGN(const Answer bounds,
                leader.ask("SELECT min(" + name + "), max(" + name + ") FROM " + named_subquery(settings, columns) +
                           (since.empty() ? "" : " WHERE " + since)));
  queue.announce(columns.relation(), columns.form());
  std::vector<Filters> filters = {{"true"}};
  if (!bounds.is_null(0, 0))
    filters = filters_of(name, std::stoll(bounds.text(0, 0)), std::stoll(bounds.text(0, 1)), settings.partition->parts);
  std::vector<Range> ranges;
  for (Filters& range : filters) ranges.push_back({with_condition(std::move(range), since), 0});
  return PartitionedCopy(settings, call, columns, queue, use, std::move(ranges)).run(leader);
}

}  // namespace

Result<Columns> describe(const ExtractSettings& settings, const CallContext& call) {
  OSIRIS_ASSIGN(const auto connection, Connection::open(settings.server, call, Purpose::kRead));
  OSIRIS_TRY(connection->run(kBeginRead));
  return described_columns(*connection, settings);
}

Status extract(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use) {
  OSIRIS_ASSIGN(db::SourceUse::Transaction turn, use.open(place_of(settings.server), call.step_id));
  OSIRIS_ASSIGN(const auto connection, Connection::open(settings.server, call, Purpose::kRead));
  OSIRIS_TRY(connection->run(kBeginRead));
  OSIRIS_TRY(take_snapshot(*connection, settings));
  turn.begin();
  if (settings.partition) {
    OSIRIS_TRY(extract_parts(settings, call, queue, use, *connection));
  } else {
    OSIRIS_ASSIGN(const Answer description, connection->describe(settings.sql));
    OSIRIS_ASSIGN(const Columns columns, columns_of_select(*connection, description, settings));
    OSIRIS_ASSIGN(std::string filter, filter_of(settings, description, columns));
    if (settings.range) {
      OSIRIS_ASSIGN(filter, range_filter(*connection, settings, description));
    }
    queue.announce(columns.relation(), columns.form());
    OSIRIS_TRY(Copy(settings, call, columns, queue).run(*connection, copy_sql(settings, columns, filter)));
  }
  return connection->run("ROLLBACK");
}

}  // namespace osiris::worker::postgres
