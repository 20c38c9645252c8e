// The table that a step writes to, as the server's catalog has it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/postgres.writer/column_plan.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

struct Target {
  std::string schema, table;  // as the catalog has them
  bool exists = false;
  std::string oid;
  std::vector<TargetColumn> columns;
  std::vector<std::vector<std::string>> unique_keys;  // the primary key and other unique indexes on plain columns

  // "shop"."orders"
  std::string quoted() const;
  // shop.orders, for people.
  std::string shown() const { return schema + "." + table; }
  std::vector<std::string> column_names() const;
};

// `table` in the schema that the connection's unqualified names mean. Refused: what is no table (a view, a sequence).
Result<Target> look_up(Connection& connection, const std::string& table);

// Why a table cannot be swapped for another one, in words ("view shop.totals depends on it"); empty: it can.
Result<std::string> obstacle_to_swap(Connection& connection, const Target& target);

// What a swap would lose, as statements to run once the new table has the name: constraints with an index, indexes,
// grants, the comment.
Result<std::vector<std::string>> kept_by_swap(Connection& connection, const Target& target);

}  // namespace osiris::worker::postgres
