#include "worker/log.h"

#include <unistd.h>

#include <string>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"

namespace osiris::worker {

void Log::set_redactor(std::shared_ptr<const Redactor> redactor) {
  const std::lock_guard lock(mutex_);
  redactor_ = std::move(redactor);
}

void Log::line(std::string_view level, std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::string out = redactor_ ? redactor_->redact(text) : std::string(text);
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r')) out.pop_back();
  for (size_t at = 0; (at = out.find('\n', at)) != std::string::npos; at += 5) out.replace(at, 1, "\n    ");
  out = format_iso8601_micros(system_clock().unix_ns()) + " " + std::string(level) + " " + out + "\n";
  // A log that cannot be written has no reader who could be told.
  static_cast<void>(!write_all(fd_, out));
}

}  // namespace osiris::worker
