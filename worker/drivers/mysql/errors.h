// Turns what the server or the client library said into an Error: our code, Python Osiris's category and words, and the
// server's own message, which never holds a password.
#pragma once

#include <mysql.h>

#include <cstdint>
#include <string>

#include "protocol/base/error.h"
#include "worker/drivers/db/deadline.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {

using db::cancelled_error;
using db::Deadline;

struct MysqlError {
  unsigned number = 0;  // 1000-1999 and above 3000: the server's; 2000-2999 and 5000-5999: the client library's
  std::string text;
};
MysqlError last_error(MYSQL* mysql);
// Of a statement, or of its connection where the library left it there.
MysqlError last_error(MYSQL* mysql, MYSQL_STMT* statement);

// "MySQL connection failed for step <id>: ..."
Error connection_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                       const Deadline& deadline);
// "MySQL query failed: ..." before the first row, "MySQL execution failed: ..." after it.
Error query_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                  const Deadline& deadline, uint64_t rows_so_far);

// "MySQL write failed: ...". `where`: " in table x", or empty.
Error write_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                  const Deadline& deadline, const std::string& where);

}  // namespace osiris::worker::mysql
