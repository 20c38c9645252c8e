#include "worker/database/small_plan.h"

#include <duckdb.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parallel/task_scheduler.hpp>
#include <duckdb/planner/operator/logical_expression_get.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>
#include <duckdb/storage/storage_info.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace osiris::worker {
namespace {

using duckdb::LogicalOperatorType;

constexpr uint64_t kRowsMax = DEFAULT_ROW_GROUP_SIZE;
constexpr uint64_t kUnknown = kRowsMax + 1;

// What a table holds, or a function that computes its rows gives.
uint64_t rows_of(duckdb::LogicalGet& get, duckdb::ClientContext& context) {
  const std::string& function = get.function.name;
  const bool tells = get.GetTable() || function == "range" || function == "generate_series";
  if (!tells || !get.children.empty() || !get.function.cardinality) return kUnknown;
  const auto rows = get.function.cardinality(context, get.bind_data.get());
  return rows && rows->has_max_cardinality ? std::min<uint64_t>(rows->max_cardinality, kUnknown) : kUnknown;
}

// At most as many rows as the product of what goes in.
bool only_combines(LogicalOperatorType type) {
  switch (type) {
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_WINDOW:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_TOP_N:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
    case LogicalOperatorType::LOGICAL_CREATE_TABLE:
    case LogicalOperatorType::LOGICAL_CREATE_VIEW:
    case LogicalOperatorType::LOGICAL_DROP:
    case LogicalOperatorType::LOGICAL_INSERT:
    case LogicalOperatorType::LOGICAL_SET:
      return true;
    default:
      return false;
  }
}

// The product of all below, up to kUnknown.
uint64_t product(duckdb::LogicalOperator& plan, duckdb::ClientContext& context) {
  if (plan.type == LogicalOperatorType::LOGICAL_GET) return rows_of(plan.Cast<duckdb::LogicalGet>(), context);
  if (plan.type == LogicalOperatorType::LOGICAL_EXPRESSION_GET)  // VALUES
    return std::min<uint64_t>(plan.Cast<duckdb::LogicalExpressionGet>().expressions.size(), kUnknown);
  if (!only_combines(plan.type)) return kUnknown;
  // A union has the sum of them, which is at most the product times their number.
  uint64_t rows = plan.type == LogicalOperatorType::LOGICAL_UNION ? plan.children.size() : 1;
  for (const auto& child : plan.children) {
    rows *= std::max<uint64_t>(product(*child, context), 1);
    if (rows > kRowsMax) return kUnknown;
  }
  return rows;
}

}  // namespace

bool is_small(duckdb::LogicalOperator& plan, duckdb::ClientContext& context) {
  return product(plan, context) <= kRowsMax;
}

void EngineThreads::start(duckdb::ClientContext& context) {
  if (threads_ <= 1) return;
  std::call_once(started_, [&] {
    auto& scheduler = duckdb::TaskScheduler::GetScheduler(context);
    scheduler.SetThreads(threads_, /*external_threads=*/1);
    scheduler.RelaunchThreads();
  });
}

}  // namespace osiris::worker
