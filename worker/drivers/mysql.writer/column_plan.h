// Which type of MySQL's takes each type of a relation, and how its values are written as text, so that every value
// arrives as it is or is refused. Part of what docs/types.md promises.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/column_type.h"
#include "worker/drivers/mysql.writer/value_form.h"

namespace osiris::worker::mysql {

// A column of a table that is there, as information_schema has it.
struct TargetColumn {
  std::string name;
  std::string type;          // "decimal"
  std::string column_type;   // "decimal(10,2) unsigned"
  int fraction_digits = 0;   // of a second
  int scale = -1;            // of a decimal, and of a floating type that has one; -1: none
  bool is_required = false;  // NOT NULL and without a default
  bool is_generated = false;
  bool replaces_null = false;  // by a number or a time of the server's own
};

// What a value's text is checked for before it is sent.
enum class Check { kNone, kNumber, kYear, kFloat, kDate, kTime, kText, kLabel, kLabels, kBytes };

struct ColumnPlan {
  std::string name;        // of the relation
  std::string target;      // of the table
  ColumnType source;       // of the relation
  std::string expression;  // DuckDB's: the value as text; empty: the column as it is (value_text.h)
  std::string type_name;   // MySQL's
  Check check = Check::kNone;
  int fraction_digits = 6;
  int scale_max = -1;  // of a number: digits after the point; -1: any
  bool refuses_null = false;
  ValueForm form = ValueForm::kExact;
  std::vector<std::string> labels;  // of an ENUM or SET, in its order
};

// For a column that is made; `is_key`: it is part of a key, so a text needs a length. Refused (write.failed) where no
// type of MySQL's holds all its values.
Result<ColumnPlan> plan_new(const std::string& table, const std::string& name, const ColumnType& type, bool is_key);
// For one that is there.
Result<ColumnPlan> plan_existing(const std::string& table, const std::string& name, const ColumnType& type,
                                 const TargetColumn& target);

}  // namespace osiris::worker::mysql
