// A transport that watches another one: counts calls and bytes, and with E2B_DEBUG writes a line for each request and
// each answer to the session, documents included, without keys, tokens or anything sent to a process's stdin. Keys and
// tokens are known by value: whatever a request carries in a header of credentials, and whatever an answer gives under
// the name of one, is masked wherever it turns up from then on, in any of the spellings of protocol/base/redact.h.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/redact.h"
#include "protocol/http/transport.h"

namespace osiris::e2b {

// [any thread]
class WatchedTransport : public http::Transport {
 public:
  explicit WatchedTransport(http::Transport& inner) : inner_(inner) {}

  // From now on every exchange is written to `path`.
  Status open_log(const std::filesystem::path& path);
  std::unique_ptr<http::Exchange> open(http::Request request) override;
  // One line, at most `bytes_max` of it.
  void note(const std::string& text, size_t bytes_max = std::string::npos);
  // `secret` is in no line from now on.
  void mask(std::string_view secret);

  uint64_t calls() const { return calls_; }

 private:
  http::Transport& inner_;
  std::atomic<uint64_t> calls_{0};
  std::mutex mutex_;
  std::optional<LineFile> log_;  // under mutex_, as what follows
  std::set<std::string> masked_;
  Redactor redactor_;
};

}  // namespace osiris::e2b
