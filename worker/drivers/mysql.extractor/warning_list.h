// Asks a server what it warned of.
#pragma once

#include <mysql.h>

#include <cstdint>
#include <functional>

#include "worker/drivers/mysql.extractor/warnings.h"

namespace osiris::worker::mysql {

// Of the statement that has just ended and has told of `told` warnings. `failed` words what the server said last.
Result<Warnings> read_warnings(MYSQL* mysql, uint16_t told, const std::function<Error()>& failed);

}  // namespace osiris::worker::mysql
