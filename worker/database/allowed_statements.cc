#include "worker/database/allowed_statements.h"

#include <duckdb.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <duckdb/parser/statement/create_statement.hpp>
#include <duckdb/parser/statement/explain_statement.hpp>
#include <duckdb/parser/statement/multi_statement.hpp>

#include "protocol/base/categories.h"
#include "worker/database/script_errors.h"

namespace osiris::worker {
namespace {

using duckdb::SQLStatement;
using duckdb::StatementType;

bool may_create(duckdb::CatalogType type) {
  switch (type) {
    case duckdb::CatalogType::TABLE_ENTRY:
    case duckdb::CatalogType::VIEW_ENTRY:
    case duckdb::CatalogType::INDEX_ENTRY:
    case duckdb::CatalogType::SEQUENCE_ENTRY:
    case duckdb::CatalogType::TYPE_ENTRY:
    case duckdb::CatalogType::MACRO_ENTRY:
    case duckdb::CatalogType::TABLE_MACRO_ENTRY:
      return true;
    default:
      return false;
  }
}

// A table or view that hides behind an input of the same name would be made and never read.
Status check_name(const duckdb::CreateInfo& info, const ScriptTarget& target) {
  std::string name;
  if (info.type == duckdb::CatalogType::TABLE_ENTRY) name = info.Cast<duckdb::CreateTableInfo>().table;
  if (info.type == duckdb::CatalogType::VIEW_ENTRY) name = info.Cast<duckdb::CreateViewInfo>().view_name;
  for (const std::string& input : target.inputs) {
    if (duckdb::StringUtil::CIEquals(input, name))
      return Error(Code::kStepFailed, "the SQL makes a table named " + name + ", which is an input of this step",
                   "Choose another name.", category::kTransformInvalidInput);
  }
  return {};
}

}  // namespace

Status check_kind(const SQLStatement& statement, const ScriptTarget& target) {
  switch (statement.type) {
    case StatementType::SELECT_STATEMENT:
    case StatementType::INSERT_STATEMENT:
    case StatementType::UPDATE_STATEMENT:
    case StatementType::DELETE_STATEMENT:
    case StatementType::MERGE_INTO_STATEMENT:
    case StatementType::DROP_STATEMENT:
    case StatementType::ALTER_STATEMENT:
      return {};
    case StatementType::EXPLAIN_STATEMENT:
      return check_kind(*statement.Cast<duckdb::ExplainStatement>().stmt, target);
    case StatementType::MULTI_STATEMENT:  // what PIVOT is taken apart into
      for (const auto& part : statement.Cast<duckdb::MultiStatement>().statements)
        OSIRIS_TRY(check_kind(*part, target));
      return {};
    case StatementType::CREATE_STATEMENT: {
      const auto& info = *statement.Cast<duckdb::CreateStatement>().info;
      if (may_create(info.type)) return check_name(info, target);
      return refused("CREATE " + duckdb::CatalogTypeToString(info.type));
    }
    default: {
      std::string kind = duckdb::StatementTypeToString(statement.type);
      return refused(kind == "VARIABLE_SET" ? "SET" : kind);
    }
  }
}

}  // namespace osiris::worker
