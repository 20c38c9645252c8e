// The SQL of data checks: what each kind asks of the rows, in the engine's words. Names and values are quoted here, so
// it may run on a trusted connection; only the query of an `sql` check is the user's, and is run confined.
#pragma once

#include <string>
#include <vector>

#include "protocol/model/plan.h"
#include "worker/database/database.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

// A relation as a check reads it.
struct CheckSource {
  std::string name;  // as SQL wants it
  std::vector<FileColumn> columns;
};
Result<CheckSource> check_source(duckdb_connection connection, const Relation& relation);

// A SELECT of the rows that fail a check, of any kind but row_count, freshness and sql. `target`: where a relationship
// looks its values up; null for other kinds. kInvalidArgument for a column that is not there or of a wrong type; the
// detail has kDependsOnTypes where other types would mend it.
Result<std::string> failing_rows(const DataCheck& check, const CheckSource& rows, const CheckSource* target);
// A SELECT of one number: the seconds since 1970 of the newest value; NULL where there is none. For freshness.
Result<std::string> newest_value(const DataCheck& check, const CheckSource& rows);

// The rows of `step` as its checks see them: kCheckedRowsName, and its relation name where no input has that.
StepInput checked_rows(const PlanStep& step, std::shared_ptr<const Relation> rows);

}  // namespace osiris::worker
