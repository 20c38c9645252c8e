// The log that envd writes and E2B keeps (envd 0.6.13): each unary RPC at level info (error, when it failed) with its
// whole request, a SendInput's bytes included; of streams, at level debug, that they began and ended: a Start with its
// request, a StreamInput without what it carried; files by their paths.
#pragma once

#include <string>
#include <string_view>

#include "servers/e2b/http.h"
#include "servers/e2b/sandbox_logs.h"

namespace osiris::e2b_server {

// One call to envd that has been answered. `body`: of the request, as far as it is known.
void log_envd_call(SandboxLogs& logs, const std::string& sandbox_id, int64_t now_unix_ns, const Request& request,
                   std::string_view body, int status);

}  // namespace osiris::e2b_server
