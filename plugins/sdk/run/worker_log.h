// The worker's stderr: forwarded to the host's log line by line, the last lines kept for the error that may follow.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/run/wire_log.h"

namespace osiris::sdk {

class WorkerLog {
 public:
  static constexpr size_t kLinesKept = 20;
  static constexpr size_t kLineBytesMax = 4096;  // longer lines are cut: a log is no data channel

  WorkerLog(const Host& host, WireLog& wire_log) : host_(host), wire_log_(wire_log) {}

  void feed(std::string_view bytes);
  void finish();  // the end of the stream: a last line without its end
  std::vector<std::string> last_lines() const { return {lines_.begin(), lines_.end()}; }

 private:
  void end_line();

  const Host& host_;
  WireLog& wire_log_;
  std::string line_;
  std::deque<std::string> lines_;
};

}  // namespace osiris::sdk
