// What a statement of one value gives.
#pragma once

#include <mysql.h>

#include <functional>
#include <optional>
#include <string>

#include "protocol/base/error.h"

namespace osiris::worker::mysql {

// Executes the prepared statement. The first value of its first row as text; nullopt: there is no row, or it is NULL.
// `failed` words what the server said last.
Result<std::optional<std::string>> first_text(MYSQL_STMT* statement, const std::function<Error()>& failed);

}  // namespace osiris::worker::mysql
