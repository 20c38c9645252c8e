// What this run has asked a service for, on disk before it is asked for: session_dir/adapter/<adapter>-journal.jsonl.
// With it, and with the metadata every machine carries, a run that died in the middle of a call leaves nothing that
// cannot be found.
//
//   {"time_ns":...,"action":"creating","token":"..."}      before the create; the token is in the metadata
//   {"time_ns":...,"action":"created","id":"..."}
//   {"time_ns":...,"action":"released","id":"...","verified":true}
#pragma once

#include <filesystem>
#include <string>

#include "protocol/base/file.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

class Journal {
 public:
  static Result<Journal> open(const std::filesystem::path& path);
  // On disk (fsync) when it returns.
  Status write(std::string_view action, Json fields);

 private:
  explicit Journal(LineFile file) : file_(std::move(file)) {}
  LineFile file_;
};

}  // namespace osiris::sdk
