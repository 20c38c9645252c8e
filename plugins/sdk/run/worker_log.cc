#include "plugins/sdk/run/worker_log.h"

#include <algorithm>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/rpc/frames.h"

namespace osiris::sdk {

void WorkerLog::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    line_.append(bytes.substr(0, std::min(end, kLineBytesMax - std::min(kLineBytesMax, line_.size()))));
    if (end < bytes.size()) end_line();
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

void WorkerLog::finish() {
  if (!line_.empty()) end_line();
}

void WorkerLog::end_line() {
  std::string line(trim(line_));
  line_.clear();
  if (line.empty()) return;
  if (!is_valid_utf8(line)) line = rpc::printable(line);
  wire_log_.line('!', line);
  host_.log(OSIRIS_INFO, "worker: " + line);
  lines_.push_back(std::move(line));
  if (lines_.size() > kLinesKept) lines_.pop_front();
}

}  // namespace osiris::sdk
