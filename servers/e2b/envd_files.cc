// envd's REST half: /files (multipart, octet-stream, gzip, ranges), /files/compose, /metrics, /envs.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "protocol/base/read_block.h"
#include "protocol/base/text.h"
#include "servers/e2b/auth.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/gunzip.h"
#include "servers/e2b/http_range.h"
#include "servers/e2b/multipart.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kSizelessMaxBytes = 64 * 1024;  // more of a file without a size envd does not read
constexpr size_t kBlockBytes = 256 * 1024;       // small chunks make Node's fetch crawl (e2b-sdk-transcripts 4)

int rest_status(const std::string& connect_code) {
  if (connect_code == "resource_exhausted") return 507;
  if (connect_code == "unauthenticated") return 401;
  if (connect_code == "not_found") return 404;
  if (connect_code == "invalid_argument") return 400;
  return 500;
}

// REST and RPC say the same thing about an unknown user in different words.
std::string rest_text(const AgentError& error, const std::string& user) {
  return error.code == "unauthenticated" ? "error looking up user '" + user + "': user: unknown user " + user
                                         : error.message;
}

// True: the call failed and has been answered.
bool answered_failure(Call& call, const Reply& reply, const std::string& user) {
  if (!reply.error) return false;
  if (reply.error->code == "unavailable")
    call.exchange.abort();
  else
    call.exchange.respond_error(rest_status(reply.error->code), rest_text(*reply.error, user));
  return true;
}

std::string user_of(const Call& call) {
  return call.request().query_value("username").value_or(call.sandbox->image.user);
}

bool check_access(Call& call) {
  const auto refused =
      check_file_access(call.request(), call.sandbox->token, call.server.clock().unix_ns() / 1'000'000'000);
  if (refused) respond(call.exchange, *refused);
  return !refused;
}

// Identity unless the client prefers gzip so much that it accepts nothing else.
enum class Encoding { kIdentity, kGzip, kNone };
Encoding choose_encoding(const Request& request) {
  const auto header = request.header("accept-encoding");
  if (!header) return Encoding::kIdentity;
  bool gzip = false, identity = true;
  for (const std::string& item : split(*header, ',')) {
    const std::string_view name = trim(std::string_view(item).substr(0, item.find(';')));
    const bool refused = item.find("q=0") != std::string::npos && item.find("q=0.") == std::string::npos;
    if (name == "gzip") gzip = !refused;
    if (name == "identity" || (name == "*" && refused)) identity = !refused;
  }
  const bool only_gzip = trim(*header) == "gzip";
  if (only_gzip || (!identity && gzip)) return Encoding::kGzip;
  return identity ? Encoding::kIdentity : Encoding::kNone;
}

std::optional<int64_t> date_header(const Request& request, std::string_view name) {
  const auto text = request.header(name);
  return text ? parse_http_date(*text) : std::nullopt;
}

// Files of /proc and /sys have no size: they are read before the head is written, as envd does. Empty: an empty file.
Result<std::string> read_sizeless(int fd, size_t bytes_max) {
  std::string content;
  char block[65536];
  while (content.size() < bytes_max) {
    const ssize_t count = ::read(fd, block, std::min(sizeof block, bytes_max - content.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error(Code::kInternal, std::strerror(errno));
    if (count == 0) break;
    content.append(block, static_cast<size_t>(count));
  }
  return content;
}

void send_sizeless(Call& call, std::string_view content, Gzip* gzip) {
  std::string packed;
  if (gzip) gzip->feed(content, true, packed);
  const std::string_view out = gzip ? std::string_view(packed) : content;
  if (out.empty() || call.exchange.write(out)) call.exchange.end_stream();
}

void stream_file(Call& call, int fd, uint64_t offset, uint64_t length, Gzip* gzip) {
  ReadBlock block(kBlockBytes);
  std::string packed;
  const auto sandbox = call.sandbox->sandbox;
  while (length > 0 && !sandbox->is_gone()) {
    const ssize_t count =
        ::pread(fd, block.data(), std::min<uint64_t>(block.size(), length), static_cast<off_t>(offset));
    if (count <= 0) return;  // cut short: the missing length tells the client
    offset += static_cast<uint64_t>(count);
    length -= static_cast<uint64_t>(count);
    std::string_view out = block.first(static_cast<size_t>(count));
    if (gzip) {
      packed.clear();
      gzip->feed(out, length == 0, packed);
      out = packed;
    }
    if (!call.exchange.write(out)) return;
  }
  if (length > 0) return call.exchange.abort();
  call.exchange.end_stream();
}

void read_file(Call& call) {
  if (!check_access(call)) return;
  const Request& request = call.request();
  const std::string user = user_of(call);
  Reply reply = call.sandbox->sandbox->call(
      Json::object({{"op", "open_read"}, {"path", request.query_value("path").value_or("")}, {"user", user}}));
  if (answered_failure(call, reply, user)) return;
  uint64_t size = reply.ok["size"].as_uint();
  const std::string path = reply.ok["path"].as_string();
  const int fd = reply.fds.front().get();
  const int64_t modified_s = reply.ok["modified_s"].as_int();
  Pairs headers{{"content-type", content_type_of(path)},
                {"last-modified", http_date(modified_s)},
                {"content-disposition", content_disposition(path.substr(path.rfind('/') + 1))},
                {"vary", "Accept-Encoding"}};
  if (const auto since = date_header(request, "if-unmodified-since"); since && modified_s > *since)
    return call.exchange.respond(412, headers, "");
  if (const auto since = date_header(request, "if-modified-since"); since && modified_s <= *since)
    return call.exchange.respond(304, headers, "");
  const Encoding encoding = choose_encoding(request);
  auto range_header = request.header("range");
  if (request.header("if-range") && date_header(request, "if-range") != modified_s)
    range_header.reset();  // it has changed: all of it
  if (encoding == Encoding::kNone) return call.exchange.respond_error(406, "no acceptable encoding");
  const bool packs = encoding == Encoding::kGzip && !range_header && request.method == "GET";
  std::string sizeless;
  if (size == 0) {
    auto content = read_sizeless(fd, packs ? SIZE_MAX : kSizelessMaxBytes);
    if (!content.ok())
      return call.exchange.respond_error(500, "error reading file '" + path + "': " + content.error().message);
    sizeless = *std::move(content);
  }
  if (packs) {
    headers.emplace_back("content-encoding", "gzip");
    Gzip gzip;
    if (!call.exchange.begin_stream(200, headers, std::nullopt)) return;
    return size > 0 ? stream_file(call, fd, 0, size, &gzip) : send_sizeless(call, sizeless, &gzip);
  }
  const bool has_size = size > 0;
  if (!has_size) size = sizeless.size();
  headers.emplace_back("accept-ranges", "bytes");
  const RangeAnswer range = answer_range(range_header.value_or(""), size);
  if (!range.content_range.empty()) headers.emplace_back("content-range", range.content_range);
  if (range.status == 416) return call.exchange.respond(416, headers, "invalid range: failed to overlap\n");
  if (request.method == "HEAD") {
    if (call.exchange.begin_stream(range.status, headers, range.length)) call.exchange.end_stream();
    return;
  }
  if (!call.exchange.begin_stream(range.status, headers, range.length)) return;
  if (has_size)
    stream_file(call, fd, range.offset, range.length, nullptr);
  else
    send_sizeless(call, std::string_view(sizeless).substr(range.offset, range.length), nullptr);
}

// envd's limits on what is stored with a file. nullopt: fine.
std::optional<std::string> wrong_metadata(const Json& metadata) {
  constexpr size_t kPrefixBytes = 9, kNameMaxBytes = 255,
                   kTotalMaxBytes = 4096;  // user.e2b.; of Linux; one block of ext4
  size_t total = 0;
  for (const auto& [key, value] : metadata.members()) {
    const std::string& text = value.as_string();
    if (key.size() > kNameMaxBytes - kPrefixBytes)
      return "metadata key \"" + key + "\" exceeds " + std::to_string(kNameMaxBytes - kPrefixBytes) + " bytes";
    for (const std::string* part : {&key, &text})
      if (std::any_of(part->begin(), part->end(), [](char c) { return c < 0x20 || c > 0x7e; }))
        return "metadata " + (part == &key ? "key" : "value for key \"" + key + "\"") + " contains non-printable-ASCII";
    total += kPrefixBytes + key.size() + text.size();
  }
  if (total > kTotalMaxBytes)
    return "total metadata size " + std::to_string(total) + " exceeds " + std::to_string(kTotalMaxBytes) + " bytes";
  return std::nullopt;
}

// Writes files into the sandbox as their bytes come; keeps what the answer needs.
class Upload {
 public:
  explicit Upload(Call& call) : call_(call), fixed_path_(call.request().query_value("path")), user_(user_of(call)) {
    constexpr std::string_view kPrefix = "x-metadata-";
    for (const auto& [name, value] : call.request().headers)
      if (name.size() > kPrefix.size() && name.starts_with(kPrefix) && !metadata_.contains(name.substr(kPrefix.size())))
        metadata_.set(name.substr(kPrefix.size()), value);
  }

  // What envd looks at before the body.
  Status admit() {
    const Reply known = call_.sandbox->sandbox->call(Json::object({{"op", "account"}, {"user", user_}}));
    if (known.error) return fail_as(*known.error);
    if (const auto wrong = wrong_metadata(metadata_)) return fail(400, "invalid metadata: " + *wrong);
    return {};
  }

  Status begin(const std::string& path) {
    path_ = fixed_path_.value_or(path);
    if (path_.empty()) return fail(400, "a file needs a path");
    Json request = Json::object({{"op", "open_write"}, {"path", path_}, {"user", user_}, {"seen", seen_}});
    Reply reply = call_.sandbox->sandbox->call(std::move(request));
    if (reply.error) return fail_as(*reply.error);
    seen_.push_back(reply.ok["path"]);
    file_ = std::move(reply.fds.front());
    return {};
  }

  Status write(std::string_view bytes) {
    if (call_.sandbox->sandbox->is_gone()) return fail(0, "the sandbox is gone");
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0)
        return fail(errno == ENOSPC || errno == EDQUOT ? 507 : 500,
                    std::string("error writing file: ") + std::strerror(errno));
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
  }

  Status end() {
    file_.close();
    Reply reply = call_.sandbox->sandbox->call(
        Json::object({{"op", "finish_write"}, {"path", path_}, {"user", user_}, {"metadata", metadata_}}));
    if (reply.error) return fail_as(*reply.error);
    entries_.push_back(std::move(reply.ok));
    return {};
  }

  Status fail(int status, std::string message) {
    status_ = status;
    return Error(Code::kInternal, std::move(message));
  }

  Status fail_as(const AgentError& error) {
    return fail(error.code == "unavailable" ? 0 : rest_status(error.code), rest_text(error, user_));
  }

  void answer(const Status& result) {
    if (result.ok() && entries_.size() == 0) return call_.exchange.respond_error(400, "no file in the body");
    if (result.ok()) return call_.exchange.respond_json(200, entries_);
    if (status_ == 0) return call_.exchange.abort();
    call_.exchange.respond_error(status_, result.error().message);
  }

 private:
  Call& call_;
  const std::optional<std::string> fixed_path_;
  const std::string user_;
  std::string path_;
  Json seen_ = Json::array();  // paths of earlier parts, resolved
  FileDescriptor file_;
  Json metadata_ = Json::object();
  Json entries_ = Json::array();
  int status_ = 400;
};

Status pump_body(Call& call, Upload& upload, const std::function<Status(std::string_view)>& consume) {
  const bool is_gzip = call.request().header("content-encoding") == "gzip";
  Gunzip gunzip;
  std::string block(kBlockBytes, '\0'), unpacked;
  while (true) {
    auto count = call.exchange.read_body(block.data(), block.size());
    if (!count.ok()) return upload.fail(0, count.error().message);
    if (*count == 0) break;
    std::string_view bytes(block.data(), *count);
    if (is_gzip) {
      unpacked.clear();
      OSIRIS_TRY(gunzip.feed(bytes, unpacked));
      bytes = unpacked;
    }
    OSIRIS_TRY(consume(bytes));
  }
  return is_gzip ? gunzip.finish() : Status();
}

Status receive(Call& call, Upload& upload) {
  OSIRIS_TRY(upload.admit());
  const std::string type = call.request().header("content-type").value_or("");
  if (type.starts_with("application/octet-stream")) {
    if (!call.request().query_value("path"))
      return upload.fail(400, "an octet-stream upload needs the query parameter 'path'");
    OSIRIS_TRY(upload.begin(""));
    OSIRIS_TRY(pump_body(call, upload, [&](std::string_view bytes) { return upload.write(bytes); }));
    return upload.end();
  }
  const std::string boundary = MultipartReader::boundary_of(type);
  if (boundary.empty()) return upload.fail(400, "unsupported content type '" + type + "'");
  bool is_file = false;
  MultipartReader reader(boundary, {[&](const std::string& name, const std::string& filename) -> Status {
                                      is_file = name == "file";
                                      return is_file ? upload.begin(filename) : Status();
                                    },
                                    [&](std::string_view bytes) { return is_file ? upload.write(bytes) : Status(); },
                                    [&] { return is_file ? upload.end() : Status(); }});
  OSIRIS_TRY(pump_body(call, upload, [&](std::string_view bytes) { return reader.feed(bytes); }));
  return reader.finish();
}

void write_files(Call& call) {
  if (!check_access(call)) return;
  Upload upload(call);
  upload.answer(receive(call, upload));
}

void compose(Call& call) {
  auto body = call.exchange.read_body_all();
  if (!body.ok()) return;
  const auto json = parse_json(*body);
  if (!json.ok() || (*json)["source_paths"].size() == 0 || (*json)["destination"].as_string().empty())
    return call.exchange.respond_error(400, "source_paths and destination must be given");
  Json request = Json::object(
      {{"op", "compose"}, {"source_paths", (*json)["source_paths"]}, {"destination", (*json)["destination"]}});
  request.set("user", (*json)["username"].as_string_or(call.sandbox->image.user));
  const std::string user = request["user"].as_string();
  const Reply reply = call.sandbox->sandbox->call(std::move(request));
  if (answered_failure(call, reply, user)) return;
  call.exchange.respond_json(200, reply.ok);
}

void metrics(Call& call) {
  auto samples = call.server.registry().sample_metrics(call.sandbox->id);
  if (!samples.ok() || samples->size() == 0) return call.exchange.respond_error(500, "no metrics");
  const Json& last = samples->items().back();
  const int64_t total = last["memTotal"].as_int(), used = last["memUsed"].as_int();
  call.exchange.respond_json(200, Json::object({{"ts", last["timestampUnix"]},
                                                {"cpu_count", last["cpuCount"]},
                                                {"cpu_used_pct", last["cpuUsedPct"]},
                                                {"mem_total_mib", total >> 20},
                                                {"mem_used_mib", used >> 20},
                                                {"mem_total", total},
                                                {"mem_used", used},
                                                {"mem_cache", last["memCache"]},
                                                {"disk_used", last["diskUsed"]},
                                                {"disk_total", last["diskTotal"]}}));
}

void envs(Call& call) { call.exchange.respond_json(200, call.sandbox->envs); }

}  // namespace

std::vector<Route> file_routes() {
  return {{"GET", "/files", read_file},
          {"POST", "/files", write_files},
          {"POST", "/files/compose", compose},
          {"GET", "/metrics", metrics},
          {"GET", "/envs", envs},
          {"GET", "/health", [](Call& call) { call.exchange.respond(204, {}, ""); }}};
}

}  // namespace osiris::e2b_server
