// Typed messages from hostile JSON: what is accepted survives being written and read again.
//
// links: osiris_rpc osiris_model
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/model/artifact.h"
#include "protocol/rpc/conversation.h"
#include "protocol/rpc/messages.h"
#include "protocol/rpc/params.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace osiris;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  if (const auto record = rpc::record_from_json(*json)) {
    const auto again = rpc::record_from_json(rpc::to_json(*record));
    if (!again || rpc::to_json(*again).dump() != rpc::to_json(*record).dump()) std::abort();
    rpc::Conversation conversation;
    conversation.ask("ping", Json::object());
    conversation.accept(*record);
  }
  if (const auto request = rpc::request_from_json(*json)) {
    if (!rpc::request_from_json(rpc::to_json(*request))) std::abort();
  }
  if (const auto params = rpc::prepare_params_from_json(*json)) {
    if (!rpc::prepare_params_from_json(rpc::to_json(*params))) std::abort();
  }
  if (const auto artifact = artifact_from_json(*json)) {
    if (!artifact_from_json(to_json(*artifact))) std::abort();
  }
  rpc::error_from_json(*json);
  return 0;
}
