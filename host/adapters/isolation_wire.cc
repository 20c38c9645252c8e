#include "host/adapters/isolation_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace osiris::isolation {
namespace {

constexpr uint32_t kBodyBytesMax = 256u << 20;  // four of the ABI's largest documents
constexpr size_t kHeaderBytes = sizeof(uint32_t) + sizeof(Kind) + sizeof(uint64_t);
constexpr time_t kSendLimitS = 30;
constexpr int64_t kCountMax = 1 << 20;  // of options, secrets, choices

}  // namespace

const char* name_of(Slot slot) {
  static constexpr const char* kNames[] = {"create",  "configure", "validate", "prepare", "execute",
                                           "collect", "destroy",   "explain",  "list",    "release"};
  return kNames[static_cast<size_t>(slot)];
}

Writer& Writer::number(int64_t value) {
  body.append(reinterpret_cast<const char*>(&value), sizeof value);
  return *this;
}

Writer& Writer::real(double value) { return number(std::bit_cast<int64_t>(value)); }

Writer& Writer::text(std::string_view value) {
  number(static_cast<int64_t>(value.size()));
  body += value;
  return *this;
}

Writer& Writer::text(osiris_str value) {
  return value.data ? text(std::string_view(value.data, value.len)) : number(-1);
}

std::string_view Reader::take(size_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

int64_t Reader::number() {
  int64_t value = 0;
  const std::string_view bytes = take(sizeof value);
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

double Reader::real() { return std::bit_cast<double>(number()); }

osiris_str Reader::text() {
  const int64_t size = number();
  if (size < 0) return {nullptr, 0};
  const std::string_view bytes = take(static_cast<size_t>(size));
  return {bytes.data(), bytes.size()};
}

Channel::Channel(int input, int output) : input_(input), output_(output) {
  for (const int fd : {input, output}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  struct stat info{};
  is_socket_ = ::fstat(output, &info) == 0 && S_ISSOCK(info.st_mode);
  const timeval limit{kSendLimitS, 0};
  if (is_socket_) ::setsockopt(output, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

bool Channel::receive_all(char* to, size_t size) const {
  while (size > 0) {
    pollfd ready{input_, POLLIN, 0};
    if (limit_.count() >= 0 && ::poll(&ready, 1, static_cast<int>(limit_.count())) == 0) return false;
    const int64_t got = read_some(input_, to, size);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool Channel::send(Kind kind, uint64_t number, std::string_view body) {
  if (body.size() > kBodyBytesMax) return false;
  char header[kHeaderBytes];
  const auto size = static_cast<uint32_t>(body.size());
  std::memcpy(header, &size, sizeof size);
  std::memcpy(header + sizeof size, &kind, sizeof kind);
  std::memcpy(header + sizeof size + sizeof kind, &number, sizeof number);
  const std::lock_guard lock(mutex_);
  for (std::string_view part : {std::string_view(header, sizeof header), body}) {
    if (!is_socket_ && !write_all(output_, part)) return false;
    while (is_socket_ && !part.empty()) {
      const ssize_t sent = ::send(output_, part.data(), part.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      part.remove_prefix(static_cast<size_t>(sent));
    }
  }
  return true;
}

std::optional<Message> Channel::receive() {
  char header[kHeaderBytes];
  if (!receive_all(header, sizeof header)) return std::nullopt;
  uint32_t size = 0;
  Message message;
  std::memcpy(&size, header, sizeof size);
  std::memcpy(&message.kind, header + sizeof size, sizeof message.kind);
  std::memcpy(&message.number, header + sizeof size + sizeof message.kind, sizeof message.number);
  if (size > kBodyBytesMax) return std::nullopt;
  message.body.resize(size);
  if (!receive_all(message.body.data(), size)) return std::nullopt;
  return message;
}

void write_request(Writer& writer, const osiris_request& request) {
  writer.number(request.attempt);
  for (const osiris_str& text :
       {request.run_id, request.manifest_json, request.connections_json, request.prepared_json, request.compiled_dir,
        request.session_dir, request.work_dir, request.worker_path, request.worker_sha256, request.settings_json})
    writer.text(text);
  writer.number(request.deadline_unix_ns).number(request.grace_ns);
}

osiris_request read_request(Reader& reader) {
  osiris_request request{};
  request.size = sizeof request;
  request.attempt = static_cast<uint32_t>(reader.number());
  for (osiris_str* text : {&request.run_id, &request.manifest_json, &request.connections_json, &request.prepared_json,
                           &request.compiled_dir, &request.session_dir, &request.work_dir, &request.worker_path,
                           &request.worker_sha256, &request.settings_json})
    *text = reader.text();
  request.deadline_unix_ns = reader.number();
  request.grace_ns = reader.number();
  return request;
}

void write_query(Writer& writer, const osiris_resource_query& query) {
  for (const osiris_str& text : {query.settings_json, query.filter_json, query.kind, query.id}) writer.text(text);
  writer.number(query.deadline_unix_ns).number(query.grace_ns);
}

osiris_resource_query read_query(Reader& reader) {
  osiris_resource_query query{};
  query.size = sizeof query;
  for (osiris_str* text : {&query.settings_json, &query.filter_json, &query.kind, &query.id}) *text = reader.text();
  query.deadline_unix_ns = reader.number();
  query.grace_ns = reader.number();
  return query;
}

void write_early(Writer& writer, const osiris_early_run& run) {
  writer.text(run.worker_path).text(run.work_dir).number(run.driver_count);
  for (uint32_t i = 0; i < run.driver_count; ++i) writer.text(run.drivers[i]);
}

osiris_early_run read_early(Reader& reader, std::vector<osiris_str>& drivers) {
  osiris_early_run run{};
  run.size = sizeof run;
  run.worker_path = reader.text();
  run.work_dir = reader.text();
  const int64_t count = reader.number();
  for (int64_t i = 0; i < count && reader.ok(); ++i) drivers.push_back(reader.text());
  run.drivers = drivers.data();
  run.driver_count = static_cast<uint32_t>(drivers.size());
  return run;
}

void Description::write(Writer& writer, const osiris_adapter_type& type, uint32_t abi, const Extensions& has) {
  writer.number(abi).number(has.explain).number(has.resources).number(has.early);
  for (const osiris_str& text : {type.id, type.name, type.version, type.summary}) writer.text(text);
  writer.number(type.option_count);
  for (uint32_t i = 0; i < type.option_count; ++i) {
    osiris_option option{};  // a shorter one of the adapter's leaves the rest absent
    std::memcpy(&option, type.options[i], std::min<size_t>(type.options[i]->size, sizeof option));
    writer.number(option.type).number(option.flags);
    for (const osiris_str& text : {option.name, option.help, option.value_name, option.bare_unit, option.default_value,
                                   option.minimum, option.maximum, option.shared_env})
      writer.text(text);
    writer.number(static_cast<int64_t>(option.choice_count));
    for (size_t choice = 0; choice < option.choice_count; ++choice) writer.text(option.choices[choice]);
  }
  writer.number(static_cast<int64_t>(type.secret_count));
  for (size_t i = 0; i < type.secret_count; ++i) {
    osiris_secret secret{};
    std::memcpy(&secret, type.secrets[i], std::min<size_t>(type.secrets[i]->size, sizeof secret));
    writer.number(secret.flags).text(secret.name).text(secret.help);
  }
}

osiris_str Description::keep(osiris_str text) {
  if (!text.data) return text;
  const std::string& kept = texts_.emplace_back(text.data, text.len);
  return {kept.data(), kept.size()};
}

bool Description::read(Reader& reader, osiris_adapter_type& type) {
  abi = static_cast<uint32_t>(reader.number());
  has.explain = reader.number() != 0;
  has.resources = reader.number() != 0;
  has.early = reader.number() != 0;
  type.size = sizeof type;
  for (osiris_str* text : {&type.id, &type.name, &type.version, &type.summary}) *text = keep(reader.text());
  const int64_t options = reader.number();
  if (options < 0 || options > kCountMax) return false;
  for (int64_t i = 0; i < options && reader.ok(); ++i) {
    osiris_option option{};
    option.size = sizeof option;
    option.type = static_cast<uint32_t>(reader.number());
    option.flags = static_cast<uint32_t>(reader.number());
    for (osiris_str* text : {&option.name, &option.help, &option.value_name, &option.bare_unit, &option.default_value,
                             &option.minimum, &option.maximum, &option.shared_env})
      *text = keep(reader.text());
    const int64_t count = reader.number();
    if (count < 0 || count > kCountMax) return false;
    std::vector<osiris_str>& choices = choices_.emplace_back();
    for (int64_t choice = 0; choice < count && reader.ok(); ++choice) choices.push_back(keep(reader.text()));
    option.choices = choices.data();
    option.choice_count = choices.size();
    option_pointers_.push_back(&options_.emplace_back(option));
  }
  const int64_t secrets = reader.number();
  if (secrets < 0 || secrets > kCountMax) return false;
  for (int64_t i = 0; i < secrets && reader.ok(); ++i) {
    osiris_secret secret{};
    secret.size = sizeof secret;
    secret.flags = static_cast<uint32_t>(reader.number());
    secret.name = keep(reader.text());
    secret.help = keep(reader.text());
    secret_pointers_.push_back(&secrets_.emplace_back(secret));
  }
  type.options = option_pointers_.data();
  type.option_count = static_cast<uint32_t>(option_pointers_.size());
  type.secrets = secret_pointers_.data();
  type.secret_count = secret_pointers_.size();
  return reader.ok();
}

}  // namespace osiris::isolation
