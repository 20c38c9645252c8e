#include "worker/database/constant_faults.h"

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/parser/expression/conjunction_expression.hpp>
#include <duckdb/parser/expression/subquery_expression.hpp>
#include <duckdb/parser/parsed_expression_iterator.hpp>
#include <duckdb/parser/query_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/bound_parameter_map.hpp>
#include <duckdb/planner/expression_binder/constant_binder.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>

namespace osiris::worker {
namespace {

using duckdb::ExpressionType;

// Whether rows may pass by all of its parts but the first, or by every part.
bool is_conditional(ExpressionType type) {
  return type == ExpressionType::CASE_EXPR || type == ExpressionType::OPERATOR_COALESCE ||
         type == ExpressionType::CONJUNCTION_OR;
}

class Search {
 public:
  Search(duckdb::ClientContext& context, duckdb::Binder& binder) : context_(context), binder_(binder) {}

  void look(duckdb::LogicalOperator& plan) {
    duckdb::LogicalOperatorVisitor::EnumerateExpressions(
        plan, [this](duckdb::unique_ptr<duckdb::Expression>* expression) { look(**expression, false); });
    for (auto& child : plan.children) look(*child);
  }

  void look(duckdb::QueryNode& node) {
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeChildren(
        node, [this](duckdb::unique_ptr<duckdb::ParsedExpression>& expression) { look(*expression, false); });
  }

  std::optional<ConstantFault> take() { return std::move(found_); }

 private:
  void look(const duckdb::Expression& expression, bool only_some_rows) {
    if (expression.GetExpressionType() == ExpressionType::OPERATOR_TRY) return;
    const bool conditional = only_some_rows || is_conditional(expression.GetExpressionType());
    duckdb::ExpressionIterator::EnumerateChildren(expression,
                                                  [&](const duckdb::Expression& child) { look(child, conditional); });
    if (found_ || expression.GetExpressionType() == ExpressionType::VALUE_CONSTANT || !expression.IsFoldable()) return;
    try {
      duckdb::ExpressionExecutor::EvaluateScalar(context_, expression);
    } catch (const std::exception& failure) {
      found_ = ConstantFault{duckdb::ErrorData(failure), offset_of(expression), only_some_rows, false};
    }
  }

  // Without a plan: the largest parts that need no row are bound alone.
  void look(duckdb::ParsedExpression& expression, bool only_some_rows) {
    if (found_ || expression.GetExpressionType() == ExpressionType::OPERATOR_TRY) return;
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY)
      look(*expression.Cast<duckdb::SubqueryExpression>().subquery->node);
    if (expression.IsScalar() && !expression.HasParameter() && !expression.HasSubquery() && !expression.IsAggregate() &&
        !expression.IsWindow()) {
      if (const auto bound = bind(expression)) look(*bound, only_some_rows);
      return;
    }
    const bool conditional = only_some_rows || is_conditional(expression.GetExpressionType());
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        expression, [&](duckdb::ParsedExpression& child) { look(child, conditional); });
  }

  // Null for what means nothing alone.
  duckdb::unique_ptr<duckdb::Expression> bind(const duckdb::ParsedExpression& expression) {
    try {
      auto copy = expression.Copy();
      duckdb::ConstantBinder binder(binder_, context_, "constant");
      return binder.Bind(copy);
    } catch (const std::exception&) {
      return nullptr;
    }
  }

  // Of itself or of its first part that has one: the engine gives casts that it adds itself none.
  static std::optional<uint64_t> offset_of(const duckdb::Expression& expression) {
    if (expression.GetQueryLocation().IsValid()) return expression.GetQueryLocation().GetIndex();
    std::optional<uint64_t> offset;
    duckdb::ExpressionIterator::EnumerateChildren(expression, [&](const duckdb::Expression& child) {
      if (!offset) offset = offset_of(child);
    });
    return offset;
  }

  duckdb::ClientContext& context_;
  duckdb::Binder& binder_;
  std::optional<ConstantFault> found_;
};

}  // namespace

std::optional<ConstantFault> fault_of_values(duckdb::ClientContext& context, const duckdb::SQLStatement& select,
                                             const BoundValues& values) {
  std::optional<ConstantFault> fault;
  context.RunFunctionInTransaction([&] {
    const auto binder = duckdb::Binder::CreateBinder(context);
    BoundValues copy = values;
    duckdb::BoundParameterMap parameters(copy);
    binder->SetParameters(parameters);
    const auto statement = select.Copy();
    const auto bound = binder->Bind(*statement);
    Search search(context, *binder);
    search.look(*bound.plan);
    fault = search.take();
  });
  if (fault) fault->depends_on_types = true;
  return fault;
}

std::optional<ConstantFault> fault_of_constants(duckdb::ClientContext& context, const duckdb::SQLStatement& select) {
  std::optional<ConstantFault> fault;
  context.RunFunctionInTransaction([&] {
    const auto binder = duckdb::Binder::CreateBinder(context);
    const auto statement = select.Copy();
    Search search(context, *binder);
    search.look(*statement->Cast<duckdb::SelectStatement>().node);
    fault = search.take();
  });
  return fault;
}

}  // namespace osiris::worker
