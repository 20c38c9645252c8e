#include "worker/drivers/db/fields.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "protocol/base/ca_bundle.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::worker::db {
namespace {

Error tls_fault(const std::string& step_id, const std::string& what, const std::string& hint) {
  return Error(Code::kInvalidArgument, "Step " + step_id + ": " + what, hint, category::kConnectionInvalidConfig);
}

}  // namespace

Error connection_fault(const StepContext& context, const std::string& what, std::string hint) {
  return Error(Code::kInvalidArgument, "Step " + context.step_id() + ": " + what, std::move(hint),
               category::kConnectionInvalidConfig);
}

Error config_fault(const StepContext& context, const std::string& what, std::string hint) {
  return Error(Code::kInvalidArgument, "Step " + context.step_id() + ": " + what, std::move(hint),
               category::kConfigInvalid);
}

std::optional<uint64_t> whole_number(const Json& value, uint64_t min, uint64_t max) {
  uint64_t number = 0;
  if (value.is_int()) {
    if (value.as_int(1) < 0 && !value.is_uint64()) return std::nullopt;
    number = value.as_uint();
  } else if (value.is_string()) {
    const std::string text(trim(value.as_string()));
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (number < min || number > max) return std::nullopt;
  return number;
}

std::string first_text(const Json& a, const Json& b) { return a.as_string().empty() ? b.as_string() : a.as_string(); }

bool is_plain_host(const std::string& host) {
  return std::none_of(host.begin(), host.end(), [](unsigned char c) {
    return c <= ' ' || c == ';' || c == ',' || c == '/' || c == '@' || c == 0x7f;
  });
}

Status refuse_unknown_fields(const StepContext& context, const Json& fields, const std::string& family,
                             const std::vector<std::string>& known) {
  for (const auto& [key, value] : fields.members()) {
    if (key == "dsn") {
      return connection_fault(context, "the connection field 'dsn' is not supported for " + family,
                              "write host, port, database, user and password as fields of their own");
    }
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto near = nearest(key, known);
    return connection_fault(context, "unknown connection field '" + key + "'",
                            near ? "did you mean '" + *near + "'?" : "known fields: " + join(known, ", "));
  }
  return {};
}

Result<std::string> ca_file(const std::string& ca, const std::string& field, const std::filesystem::path& scratch_dir,
                            const std::string& step_id) {
  if (ca.find("-----BEGIN") != std::string::npos) {
    const std::filesystem::path file = scratch_dir / "ca.pem";
    OSIRIS_TRY(write_file_atomically(file, ca));
    return file.string();
  }
  if (!ca.empty()) {
    if (access(ca.c_str(), R_OK) == 0) return ca;
    return tls_fault(step_id, field + " " + ca + " cannot be read where the step runs",
                     "give the path of a PEM file there, or the PEM text itself");
  }
  if (std::string file = system_ca_file(); !file.empty()) return file;
  return tls_fault(step_id, "the server's certificate is to be checked, and this machine has no list of authorities",
                   "set " + field + " to the server's authority: a PEM file or the PEM text itself");
}

void keep_alive(int socket) {
  const int idle_s = 30, interval_s = 10, probes = 6, on = 1;
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

}  // namespace osiris::worker::db
