// Every request the server has seen, for tests: in memory (the newest 100,000), and as one JSON line each in a file.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "protocol/base/file.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

// [any thread]
class Recorder {
 public:
  Status open(const std::filesystem::path& path);
  // Numbers the record ("n", from 1) and keeps it.
  void add(Json record);
  // Those with n > since.
  Json since(int64_t since) const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::deque<Json> records_;
  int64_t next_ = 1;
  std::optional<LineFile> file_;
};

}  // namespace osiris::e2b_server
