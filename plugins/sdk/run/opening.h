// The one message a run begins with: `prepare` (the only place where secret values travel), one `execute_step` per step
// and `finish`, all in one piece, so that network latency is paid once per run and not once per step.
#pragma once

#include <string>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/run/lent_variables.h"
#include "plugins/sdk/run/wire_log.h"
#include "protocol/base/error.h"
#include "protocol/rpc/conversation.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

struct Opening {
  rpc::PrepareParams prepare;             // without secrets and env: they are filled in at the last moment
  std::vector<std::string> secret_names;  // of the connections
  EnvironmentOptions environment;
  std::vector<std::string> step_ids;  // in plan order
  // Where the worker packs what has to travel back, on its machine; empty where nothing has to.
  std::string pack_path;
};

// Fetches the values, writes the bytes, wipes every copy of the values but the bytes themselves. kInvalidArgument when
// a value is missing.
Result<std::string> encode_opening(Opening opening, rpc::Conversation& conversation, const Host& host,
                                   WireLog& wire_log);

}  // namespace osiris::sdk
