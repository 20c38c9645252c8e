// Looking up a host name, which nothing can interrupt: glibc may wait half a minute for a name server. So it happens on
// a thread that is left behind when the step is cancelled or its time is over; that thread touches nothing of the step.
#pragma once

#include <string>

#include "worker/drivers/mysql.extractor/patience.h"

namespace osiris::worker::mysql {

// True when `host` has an address (numeric ones have, without asking). False when it has none, and when `patience` was
// cancelled or ran out first (it then says so). libmariadb looks the name up once more; by then somebody knows it.
bool can_resolve(const std::string& host, Patience& patience);

}  // namespace osiris::worker::mysql
