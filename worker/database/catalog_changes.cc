#include "worker/database/catalog_changes.h"

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/main/attached_database.hpp>
#include <duckdb/main/capi/capi_internal.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/config.hpp>
#include <duckdb/main/database_manager.hpp>
#include <duckdb/parser/expression/star_expression.hpp>
#include <duckdb/parser/parsed_data/attach_info.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/query_node/select_node.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/parser/tableref/basetableref.hpp>

#include <functional>

#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

// The worker's own doing: what fails in it is not the step's fault, unless it was stopped or full.
Status in_transaction(duckdb_connection connection, const std::function<void(duckdb::ClientContext&)>& change) {
  auto& context = *reinterpret_cast<duckdb::Connection*>(connection)->context;
  try {
    context.RunFunctionInTransaction([&] { change(context); });
    return {};
  } catch (const std::exception& failure) {
    const duckdb::ErrorData data(failure);
    Error error = sql::engine_error(duckdb::ErrorTypeToC(data.Type()), without_random_names(data.Message()));
    if (error.code == Code::kStepFailed) error.code = Code::kInternal;
    return error;
  }
}

// SELECT * FROM the relation. Its rows are numbered by the engine, from 0 and without gaps: it never loses one.
duckdb::unique_ptr<duckdb::SelectStatement> rows_of(const StepInput& input) {
  const sql::TableName name = input.relation->name();
  auto table = duckdb::make_uniq<duckdb::BaseTableRef>();
  table->catalog_name = name.catalog;
  table->schema_name = name.schema;
  table->table_name = name.table;
  auto node = duckdb::make_uniq<duckdb::SelectNode>();
  node->select_list.push_back(duckdb::make_uniq<duckdb::StarExpression>());
  node->from_table = std::move(table);
  if (input.rows) {
    auto conditions =
        duckdb::Parser::ParseExpressionList("rowid >= " + std::to_string(input.rows->first) + " AND rowid < " +
                                            std::to_string(input.rows->first + input.rows->count));
    node->where_clause = std::move(conditions[0]);
  }
  auto select = duckdb::make_uniq<duckdb::SelectStatement>();
  select->node = std::move(node);
  return select;
}

void make_views(duckdb::ClientContext& context, const StepInput& input, bool with_comments) {
  const sql::TableName name = input.relation->name();
  const auto& table =
      duckdb::Catalog::GetEntry<duckdb::TableCatalogEntry>(context, name.catalog, name.schema, name.table);
  auto& temporary = duckdb::Catalog::GetCatalog(context, TEMP_CATALOG);
  for (const std::string& view : input.names) {
    duckdb::CreateViewInfo info(TEMP_CATALOG, DEFAULT_SCHEMA, view);
    info.temporary = true;
    info.query = rows_of(input);
    for (const auto& column : table.GetColumns().Logical()) {
      info.names.push_back(column.Name());
      info.types.push_back(column.Type());
      if (with_comments && !column.Comment().IsNull()) info.column_comments_map[column.Name()] = column.Comment();
    }
    temporary.CreateView(context, info);
  }
}

}  // namespace

Status attach_in_memory(duckdb_connection connection, const std::string& name) {
  return in_transaction(connection, [&](duckdb::ClientContext& context) {
    duckdb::AttachInfo info;
    info.name = name;
    info.path = IN_MEMORY_PATH;
    duckdb::AttachOptions options(info.options, duckdb::AccessMode::READ_WRITE);
    options.db_type = "duckdb";  // or the engine looks whether there is a file of that name, and what is in it
    duckdb::DatabaseManager::Get(context).AttachDatabase(context, info, options);
  });
}

void detach_in_memory(duckdb_connection connection, const std::string& name) {
  // Only fails when it is not attached, which is what was wanted.
  static_cast<void>(in_transaction(connection, [&](duckdb::ClientContext& context) {
    duckdb::DatabaseManager::Get(context).DetachDatabase(context, name, duckdb::OnEntryNotFound::RETURN_NULL);
  }));
}

Status make_input_views(duckdb_connection connection, const std::vector<StepInput>& inputs, bool with_comments) {
  if (inputs.empty()) return {};
  return in_transaction(connection, [&](duckdb::ClientContext& context) {
    for (const StepInput& input : inputs) make_views(context, input, with_comments);
  });
}

}  // namespace osiris::worker
