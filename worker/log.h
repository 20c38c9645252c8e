// The worker's log: lines of text on stderr, each written whole, with every known secret hidden. [any thread]
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "protocol/base/redact.h"

namespace osiris::worker {

class Log {
 public:
  explicit Log(int fd = 2) : fd_(fd) {}
  void set_redactor(std::shared_ptr<const Redactor> redactor);
  void info(std::string_view text) { line("INFO", text); }
  void warning(std::string_view text) { line("WARNING", text); }
  void error(std::string_view text) { line("ERROR", text); }

 private:
  void line(std::string_view level, std::string_view text);

  int fd_;
  std::mutex mutex_;
  std::shared_ptr<const Redactor> redactor_;
};

}  // namespace osiris::worker
