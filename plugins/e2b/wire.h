// A transport that watches another one: counts calls and bytes, and with E2B_DEBUG writes a line for each request and each answer to
// the session, documents included, without keys, tokens or anything sent to a process's stdin.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/http/transport.h"

namespace osiris::e2b {

// [any thread]
class WatchedTransport : public http::Transport {
 public:
  explicit WatchedTransport(http::Transport& inner) : inner_(inner) {}

  // From now on every exchange is written to `path`.
  Status open_log(const std::filesystem::path& path);
  std::unique_ptr<http::Exchange> open(http::Request request) override;
  void note(const std::string& text);

  uint64_t calls() const { return calls_; }

 private:
  http::Transport& inner_;
  std::atomic<uint64_t> calls_{0};
  std::mutex mutex_;
  std::optional<LineFile> log_;
};

}  // namespace osiris::e2b
