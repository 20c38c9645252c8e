// All rows of a table, page by page, however few of them PostgREST gives at once (its db-max-rows).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/drivers/supabase/rest.h"

namespace osiris::worker::supabase {

struct Reading {
  std::string table;
  Query query;                   // select and filters
  std::vector<std::string> key;  // columns that tell rows apart; empty: not known
  bool has_key = true;           // those columns are in every row
  std::string order;             // PostgREST's; empty: none is asked for
  uint64_t page_rows = 1000;
  uint64_t offset = 0;  // rows skipped first
};

// With a key in every row, and without `order` and `offset`, a page begins behind the last row of the page before: rows
// that stay in the table are read once, whatever is written meanwhile. Otherwise pages are counted off, in the order
// that is asked for, and a table whose number of rows changes meanwhile is an error.
class Pages {
 public:
  Pages(Rest& rest, Reading reading);

  // The next rows; empty at the end.
  Result<Json::Array> next();
  uint64_t asked() const { return asked_; }

 private:
  Result<Json::Array> next_by_key();
  Result<Json::Array> next_by_count();
  Status remember(const Json& row);

  Rest& rest_;
  const Reading reading_;
  const bool by_key_;
  std::string behind_;  // what is true of rows behind the last one; empty: none was read
  std::string order_;
  uint64_t read_ = 0;
  std::optional<uint64_t> total_;
  uint64_t asked_ = 0;
  bool ended_ = false;
};

}  // namespace osiris::worker::supabase
