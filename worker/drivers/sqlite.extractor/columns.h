// The columns of a statement: what the relation has for each.
#pragma once

#include <string>
#include <vector>

#include "worker/drivers/sqlite.extractor/database.h"

namespace osiris::worker::sqlite_in {

enum class Type { kUnknown, kBigint, kDouble, kBoolean, kText, kBlob };

struct Column {
  std::string name;
  std::string declared;  // as the table declares it; empty: an expression, or a column without a type
  Type type = Type::kUnknown;
  bool is_by_values = false;  // the declaration does not say
};

std::string_view type_name(Type type);  // "BIGINT"
Type type_named(std::string_view name);

// By the rules of SQLite's affinities: INT is BIGINT, CHAR, CLOB and TEXT are VARCHAR, BLOB is BLOB, REAL, FLOA and
// DOUB are DOUBLE; BOOL is BOOLEAN. The others (DECIMAL, DATE, nothing) have the type of their values. Two columns of
// one name get a number.
std::vector<Column> columns_of(sqlite3_stmt* statement);

// What a column whose declaration does not say has in a row. False when it does not go with what came before.
bool take_value(Column& column, sqlite3_value* value);

}  // namespace osiris::worker::sqlite_in
