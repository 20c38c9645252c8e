// A connection that writes: statements that are asked, and rows that are sent by LOAD DATA LOCAL from memory where the
// server allows it, by INSERT otherwise. What the server would change is an error: a load by LOCAL makes warnings of
// everything that goes wrong, so each of them is one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/mysql.writer/row_text.h"
#include "worker/drivers/mysql/connection.h"

namespace osiris::worker::mysql {

using Row = std::vector<std::optional<std::string>>;

class Session {
 public:
  // All outlive it.
  static Result<std::unique_ptr<Session>> open(const ServerSettings& server, const CallContext& call);

  RowForm form() const { return form_; }
  // The most text that one load_rows() should be given.
  size_t bytes_max() const { return bytes_max_; }
  // And the most that a row may have on its way into `table` (quoted).
  size_t row_bytes_max(const std::string& table, const std::vector<ColumnPlan>& plans) const;

  // Runs one statement; the rows of its answer. [any thread, one at a time]
  Result<std::vector<Row>> ask(const std::string& sql, const std::string& where = {});
  // The same, row by row as they come. A null pointer is a NULL.
  using TakeRow = std::function<void(MYSQL_ROW row, const unsigned long* sizes)>;
  Status read(const std::string& sql, const TakeRow& take);
  Status run(const std::string& sql, const std::string& where = {});
  uint64_t affected() { return mysql_affected_rows(connection_->handle()); }
  const MysqlError& error() const { return error_; }
  bool is_mariadb() const { return mariadb_connection(connection_->handle()) != 0; }

  // `rows` rows of `text`, in form(), into `table` (quoted). `before`: rows that went before, for the errors.
  Status load_rows(const std::string& table, const std::vector<ColumnPlan>& plans, const std::string& text,
                   uint64_t rows, uint64_t before, const std::string& where);

 private:
  Session(const ServerSettings& server, const CallContext& call) : server_(server), call_(call) {}
  Status probe();
  // The first thing that the server warned of, as an error.
  Status judge(uint64_t rows, uint64_t before, const std::string& where);

  const ServerSettings& server_;
  const CallContext& call_;
  std::unique_ptr<Connection> connection_;
  MysqlError error_;  // of the statement that failed last
  RowForm form_ = RowForm::kValues;
  size_t bytes_max_ = size_t{1} << 20;
  size_t statement_bytes_max_ = SIZE_MAX;  // that the server takes
};

// `a`, `b`
std::string quoted_list(const std::vector<std::string>& names);
std::string quote_text(std::string_view text);

}  // namespace osiris::worker::mysql
