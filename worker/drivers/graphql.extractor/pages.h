// The variables of each page, from the answer to the page before.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "worker/drivers/graphql.extractor/options.h"

namespace osiris::worker::graphql {

class Pages {
 public:
  explicit Pages(const Options& options);

  // Of the page to ask for now.
  const Json& variables() const { return variables_; }
  uint64_t asked() const { return asked_; }
  // Whether a page that is counted by offset has the data of the page before.
  bool is_as_before(const Json& answer);
  // Whether a page follows the one that gave `answer` with `records` records, whose variables are then there.
  // kStepFailed for an answer that leaves it open, and for a cursor that was used before: what came until then is not
  // all there is.
  Result<bool> advance(const Json& answer, uint64_t records);

 private:
  Result<bool> advance_cursor(const Json& answer);

  const Options& options_;
  Json variables_;
  uint64_t asked_ = 1;
  uint64_t offset_ = 0;
  std::set<std::string> cursors_;
  std::string data_before_;  // its hash
};

}  // namespace osiris::worker::graphql
