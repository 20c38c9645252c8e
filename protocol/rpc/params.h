// The parameters and results of the worker protocol's requests as types (docs/worker-protocol.md, "Requests"): what
// both sides would otherwise spell twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/rpc/messages.h"

namespace osiris::rpc {

// The names of methods.
namespace method {
inline constexpr std::string_view kPrepare = "prepare";
inline constexpr std::string_view kExecuteStep = "execute_step";
inline constexpr std::string_view kFinish = "finish";
inline constexpr std::string_view kCancel = "cancel";
inline constexpr std::string_view kReplay = "replay";
inline constexpr std::string_view kPing = "ping";
inline constexpr std::string_view kPutRelation = "put_relation";
inline constexpr std::string_view kGetRelation = "get_relation";
inline constexpr std::string_view kPack = "pack";
inline constexpr std::string_view kShutdown = "shutdown";
}  // namespace method

// prepare.settings. What is absent on the wire keeps its default.
struct Settings {
  uint64_t memory_limit_bytes = 0;  // 0: 80 % of the machine's
  uint32_t threads = 0;             // 0: all cores
  uint32_t parallel = 0;            // steps at the same time; 0: four for each core
  uint32_t heartbeat_ms = 1000;
  bool allow_mock = false;
  bool install_deps = false;
  std::string cache_dir;                // absolute; empty: none
  std::string traceparent, tracestate;  // the trace the steps belong to (protocol/model/trace_context.h); empty: none
};
Json to_json(const Settings& settings);
Settings settings_from_json(const Json& json);

// A prefix of plan paths and where it is on the worker's machine; both absolute.
struct PathMapping {
  std::string from;
  std::string to;
};

// A run package to unpack before anything else: an archive of numbered members (protocol/archive) and where each one
// goes.
struct PackageFile {
  uint32_t number = 0;
  std::string to;  // absolute, on the worker's machine
  uint64_t size_bytes = 0;
  std::string sha256;
  bool present =
      false;  // not in the archive: an earlier run left it at `to`, where it is checked like one that travelled
};
struct Package {
  std::string path;  // absolute; empty: there is none
  std::vector<PackageFile> files;
  std::vector<std::string> directories;  // absolute; made if missing
  std::string prune;                     // absolute; below it only what `files` names stays. Empty: nothing is removed
};

struct PrepareParams {
  int64_t protocol = kProtocolVersion;
  std::string run_id;
  std::string session_dir;  // absolute, as are the next
  std::string work_dir;
  Json plan;  // of a Plan: an object, or null when plan_path is given
  std::string plan_path;
  Json connections;  // {"@mysql.shop": PlanConnection}
  Json secrets;      // {"connection/mysql.shop/password": value}: wipe() it after use
  Json env;          // {"NAME": value}: likewise
  Settings settings;
  std::string specs_sha256;    // empty: not checked
  std::string worker_version;  // likewise
  std::vector<PathMapping> path_map;
  Package package;
};
Json to_json(PrepareParams params);
// kUnsupported for another protocol number, kInvalidArgument for what is missing, of a wrong type or not absolute.
Result<PrepareParams> prepare_params_from_json(Json json);

// The result of `pack`: what is in the archive it wrote, by number. `kind` is "output" (step_id and path as the
// pipeline wrote it) or "session" (path relative to the session directory).
struct PackedFile {
  uint32_t number = 0;
  std::string kind;
  std::string step_id;
  std::string path;
  uint64_t size_bytes = 0;
  std::string sha256;
};
struct Packed {
  std::string path;  // of the archive
  uint64_t size_bytes = 0;
  std::vector<PackedFile> files;
};
Json to_json(const Packed& packed);
Result<Packed> packed_from_json(const Json& json);

}  // namespace osiris::rpc
