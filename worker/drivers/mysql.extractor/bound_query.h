// A query whose $names are bound: the text the server prepares, with a '?' for each, and the values in their order.
#pragma once

#include <mysql.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/drivers/mysql.extractor/statement.h"

namespace osiris::worker::mysql {

class BoundQuery {
 public:
  BoundQuery() = default;
  BoundQuery(BoundQuery&&) = default;
  BoundQuery& operator=(BoundQuery&&) = default;
  BoundQuery(const BoundQuery&) = delete;
  BoundQuery& operator=(const BoundQuery&) = delete;

  // `tokens` are those of `sql`. A word `$name` is one of `values` (an object, or null: then `sql` stays as it is); a
  // list stands for its items, separated by commas. Every name must have a value and every value a name.
  static Result<BoundQuery> of(std::string_view sql, const std::vector<Token>& tokens, const Json& values);

  const std::string& sql() const { return sql_; }
  // As many as sql() has marks; valid as long as this lives. The library only reads them.
  std::vector<MYSQL_BIND>& binds() { return binds_; }

 private:
  Status add(const std::string& name, const Json& value);
  void add_text(enum_field_types type, std::string text);

  std::string sql_;
  std::vector<MYSQL_BIND> binds_;
  std::deque<std::string> texts_;  // what binds_ point to, none ever moved
  std::deque<int64_t> numbers_;
  std::deque<double> doubles_;
};

}  // namespace osiris::worker::mysql
