#include "worker/drivers/postgres/check.h"

#include <algorithm>

#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

constexpr uint32_t kCheckLimit_s = 2;

CallContext call_context(StepContext& context, Deadline& deadline, const std::string& driver, bool echo) {
  CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  const std::string start = driver + " " + context.step_id() + ": ";
  call.log = [&context, start](const std::string& line) { context.log(start + line); };
  if (echo) call.echo = call.log;
  return call;
}

Status check(StepContext& context) {
  OSIRIS_ASSIGN(const ServerSettings server, read_server_settings(context));
  return check(context, server);
}

Status check(StepContext& context, ServerSettings server) {
  server.connect_timeout_s = std::min(server.connect_timeout_s, kCheckLimit_s);
  Deadline deadline;
  const CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  const auto until = Connection::Clock::now() + std::chrono::seconds(kCheckLimit_s);
  OSIRIS_ASSIGN(const auto connection, Connection::open(server, call, Purpose::kRead));
  return connection->ping(until);
}

}  // namespace osiris::worker::postgres
