// Sources whose columns follow from all of their rows: JSON has no types, and an API no schema. Their steps read them
// to the end, put the rows aside on disk, and give them from there: to the output of a stored step, or, as a stream, to
// the statement of the step that reads them. The source is asked once in either case.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker {

class SettledRows {
 public:
  virtual ~SettledRows() = default;
  // Makes output_table() of all rows. May be called again, for another attempt's context.
  virtual Status create(StepContext& step) = 0;

  // What gives all rows, once, and what that touches.
  struct Select {
    std::string sql;
    std::vector<std::string> functions = {}, files = {};
  };
  // nullopt: they can only be stored, because a column has no type. An error is one that create() would return.
  virtual Result<std::optional<Select>> select(StepContext& step) = 0;
  // Whether the select gave the last row.
  virtual bool is_read_to_its_end() const { return true; }
};

// For open(), which has said so by settles(). `step` outlives the stream.
Result<std::unique_ptr<StreamedOutput>> stream_of(StepContext& step, std::unique_ptr<SettledRows> rows,
                                                  StepOutcome outcome);

}  // namespace osiris::worker
