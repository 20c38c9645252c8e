// Rows of binary COPY that are handed on as they are: where each ends, and whether it holds only values that a relation
// could hold too. A row in doubt is for RowReader to judge, whose error is then the same as if all had been read.
#pragma once

#include <vector>

#include "worker/drivers/postgres.extractor/columns.h"
#include "worker/drivers/postgres.extractor/values.h"

namespace osiris::worker::postgres {

class RawRows {
 public:
  explicit RawRows(const Columns& columns);

  // The bytes of the row in front of `bytes`; 0: it is not all there, is none, or is in doubt.
  size_t whole_row(Bytes bytes) const;

 private:
  struct Look {
    int32_t width = -1;              // that all values have; -1: any
    bool (*holds)(Bytes) = nullptr;  // null: any value is held
  };
  static Look look_at(const Column& column);

  std::vector<Look> looks_;
};

// Whether whole_row() looks at all that RowReader would refuse in values of the column.
bool is_looked_through(const Column& column);

}  // namespace osiris::worker::postgres
