// OSIRIS_RPC_DEBUG: everything that crosses between adapter and worker, one line each with its time, values masked:
//
//   2025-11-20T10:00:00.123456Z > {"id":"req_1","method":"prepare",...}      to the worker
//   2025-11-20T10:00:00.125301Z < {"type":"hello",...}                       from the worker
//   2025-11-20T10:00:00.125411Z ! duckdb: ...                                the worker's stderr
//   2025-11-20T10:00:00.125422Z # silent for 3000 ms: the process is stopped what the adapter thought of it
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/redact.h"

namespace osiris::sdk {

class WireLog {
 public:
  // One that writes nothing.
  WireLog() = default;
  Status open(const std::filesystem::path& path);
  bool is_open() const { return file_.has_value(); }

  // The values to mask. Only an open log keeps them, until it is destroyed.
  void mask(const Json& values);
  // `direction`: '>', '<', '!' or '#'. Never fails a run: a log that cannot be written is given up.
  void line(char direction, std::string_view text);

 private:
  std::optional<LineFile> file_;
  Redactor redactor_;
};

// The same names, each with kMasked for its value.
Json masked_values(const Json& values);

}  // namespace osiris::sdk
