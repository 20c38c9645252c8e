// The column by which `foreach: {split: …}` parts a query's rows, as SQL of the server.
#pragma once

#include <mysql.h>

#include <string>

#include "worker/drivers/db/key_range.h"
#include "worker/drivers/mysql.extractor/columns.h"

namespace osiris::worker::mysql {

class KeyColumn {
 public:
  // kInvalidArgument where the query has no such column, or one without an order.
  static Result<KeyColumn> of(const MYSQL_FIELD* fields, const Columns& columns, const std::string& name);

  // What is sorted and compared, and what a bound is of it.
  const std::string& key() const { return key_; }
  const std::string& text() const { return text_; }
  std::string literal(const std::string& bound) const { return before_ + bound + after_; }
  // kInvalidArgument for what literal() cannot say: a date that is none of the calendar.
  Status check(const std::string& bound) const;

 private:
  std::string name_, key_, text_, before_, after_;
  bool is_date_ = false;
};

}  // namespace osiris::worker::mysql
