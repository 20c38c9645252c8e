// Statements about a table, as texts.
#pragma once

#include <string>
#include <vector>

#include "worker/drivers/postgres.writer/column_plan.h"

namespace osiris::worker::postgres {

// "a", "b"
std::string quoted_list(const std::vector<std::string>& names);
// CREATE TABLE with the plans' columns and `keys` as its primary key (none where empty). `table` is quoted.
std::string create_table(const std::string& table, const std::vector<ColumnPlan>& plans,
                         const std::vector<std::string>& keys);
// One key that more than one row of `table` has, as text, and how many have it.
std::string duplicate_key_query(const std::string& table, const std::vector<std::string>& keys);

}  // namespace osiris::worker::postgres
