// Every request the server has seen, for tests: in memory (the newest 100,000), and as one JSON line each in a file.
// A record is written when its request ends, and a stream ends long after the calls that came after it. So it also says
// when the request came: "arrived", from 1 in the order of arrival.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
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
  // A request came: `head` is what is known of it so far. The number is for end().
  int64_t arrive(Json head);
  // Numbers the record ("n", from 1) and keeps it.
  void end(int64_t arrived, Json record);
  // Those with n > since, as they ended.
  Json since(int64_t since) const;
  // All, as they came. Those that have not ended yet are their head with "open": true.
  Json by_arrival() const;
  // Forgets all, the open ones too: what came before is never seen again, except in the file.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::deque<Json> records_;
  std::map<int64_t, Json> open_;  // by arrival
  int64_t next_ = 1;
  int64_t next_arrival_ = 1;
  std::optional<LineFile> file_;
};

}  // namespace osiris::e2b_server
