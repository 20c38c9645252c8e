#include "plugins/sdk/run/opening.h"

#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/wipe.h"
#include "protocol/rpc/frames.h"

namespace osiris::sdk {
namespace {

// Wiped on every way out.
struct Values {
  Json json = Json::object();
  ~Values() { wipe(json); }
};

Status fetch_secrets(const std::vector<std::string>& names, const Host& host, Json& values) {
  for (const std::string& name : names) {
    const Status lent = host.with_secret(name, [&](std::string_view value) { values.set(name, value); });
    if (!lent)
      return Error(Code::kInvalidArgument, "the run needs the secret " + name + ", which has no value",
                   "Set the variable that osiris_connections.yaml names for it, in the environment or in .env.",
                   category::kConnectionInvalidConfig);
  }
  return {};
}

Status append(std::string& bytes, rpc::Request request, WireLog& wire_log) {
  OSIRIS_ASSIGN(const std::string line, rpc::encode_message(rpc::to_json(std::move(request))));
  wire_log.line('>', std::string_view(line).substr(0, line.size() - 1));
  bytes += line;
  return {};
}

}  // namespace

Result<std::string> encode_opening(Opening opening, rpc::Conversation& conversation, const Host& host,
                                   WireLog& wire_log) {
  Values secrets, environment;
  OSIRIS_TRY(fetch_secrets(opening.secret_names, host, secrets.json));
  OSIRIS_ASSIGN(environment.json, assemble_environment(opening.environment, host));
  wire_log.mask(secrets.json);
  wire_log.mask(environment.json);

  rpc::Request prepare = conversation.ask(rpc::method::kPrepare, rpc::to_json(std::move(opening.prepare)));
  if (wire_log.is_open()) {
    rpc::Request masked = prepare;
    masked.params.set("secrets", masked_values(secrets.json));
    masked.params.set("env", masked_values(environment.json));
    wire_log.line('>', rpc::to_json(std::move(masked)).dump());
  }
  prepare.params.set("secrets", std::exchange(secrets.json, Json()));
  prepare.params.set("env", std::exchange(environment.json, Json()));
  Values message;
  message.json = rpc::to_json(std::move(prepare));
  OSIRIS_ASSIGN(std::string line, rpc::encode_message(message.json));

  std::string rest;
  for (const std::string& id : opening.step_ids)
    OSIRIS_TRY(
        append(rest, conversation.ask(rpc::method::kExecuteStep, Json::object({{"step_id", id}}), id), wire_log));
  OSIRIS_TRY(append(rest, conversation.ask(rpc::method::kFinish, Json::object()), wire_log));
  if (!opening.pack_path.empty())
    OSIRIS_TRY(
        append(rest, conversation.ask(rpc::method::kPack, Json::object({{"path", opening.pack_path}})), wire_log));

  // One allocation of the final size: growing would leave copies of the values behind.
  std::string bytes;
  bytes.reserve(line.size() + rest.size());
  bytes += line;
  bytes += rest;
  wipe(line);
  return bytes;
}

}  // namespace osiris::sdk
