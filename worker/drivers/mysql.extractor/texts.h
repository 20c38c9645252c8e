// The rows of a small result as texts.
#pragma once

#include <mysql.h>

#include <functional>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::mysql {

// Executes the prepared statement and holds all its rows. `failed` words what the server said last.
Result<std::vector<std::vector<std::string>>> texts_of(MYSQL_STMT* statement, const std::function<Error()>& failed);

}  // namespace osiris::worker::mysql
