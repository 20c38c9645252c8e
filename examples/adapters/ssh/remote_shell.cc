#include "remote_shell.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace ssh_adapter {
namespace {

using std::chrono::steady_clock;

constexpr sdk::Milliseconds kSlice{100};
constexpr sdk::Milliseconds kEnding{5'000};
constexpr int kConnectionLost = 255;  // the client's own failure
constexpr const char* kDone = "done ";
constexpr const char* kBytes = "bytes ";
// `read` takes no byte beyond the line.
constexpr const char* kLoop = "while IFS= read -r l; do eval \"$l\"; done";

// The number after a mark's word; nothing: another line.
std::optional<uint64_t> marked_number(const std::string& line, const std::string& word) {
  const std::string start = std::string(kMark) + word;
  if (line.compare(0, start.size(), start) != 0) return std::nullopt;
  return std::strtoull(line.c_str() + start.size(), nullptr, 10);
}

}  // namespace

void RemoteShell::send(const std::string& script) {
  said_.clear();
  const std::string done = std::string(kMark) + kDone + std::to_string(++number_);
  const std::string marked = "( " + script + " ) 2>&1 </dev/null; s=$?; echo; echo \"" + done + " $s\"";
  if (!child_) {
    child_.emplace(connection_.command(marked + "; " + kLoop));
    return;
  }
  try {
    child_->write(marked + "\n", {});
  } catch (const plugin::Failure&) {  // it has ended: the answer says why
  }
}

// What was said before the mark of an earlier script is of that one.
std::optional<uint64_t> RemoteShell::status_in(const std::string& line) {
  const auto number = marked_number(line, kDone);
  if (!number) {
    said_ += line + "\n";
    return std::nullopt;
  }
  if (*number == number_) return std::strtoull(line.c_str() + line.rfind(' '), nullptr, 10);
  said_.clear();
  return std::nullopt;
}

bool RemoteShell::read(sdk::Milliseconds wait) {
  const auto bytes = child_->read(wait);
  if (!bytes) return false;
  if (bytes->empty()) {
    sdk::Ending ending = child_->wait(kEnding).value_or(sdk::Ending{false, kConnectionLost});
    if (ending.signaled) ending = {false, kConnectionLost};  // the client, not a script: another one may be had
    throw connection_.failure(ending, child_->errors(), "run a command");
  }
  unread_ += *bytes;
  return true;
}

std::optional<std::string> RemoteShell::next_line() {
  const size_t end = unread_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

// Of a script that ran to its end.
void RemoteShell::fail(uint64_t status, const std::string& doing) {
  is_amid_file_ = false;
  while (!said_.empty() && said_.back() == '\n') said_.pop_back();
  throw connection_.failure({false, static_cast<int>(status)}, said_, doing);
}

std::string RemoteShell::answer(sdk::Milliseconds limit, const sdk::Child::GivesUp& gives_up) {
  const auto until = steady_clock::now() + limit;
  for (;;) {
    while (const auto line = next_line()) {
      const auto status = status_in(*line);
      if (!status) continue;
      if (*status != 0) fail(*status, "run a command");
      is_amid_file_ = false;
      return std::exchange(said_, {});
    }
    if (gives_up && gives_up()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    if (steady_clock::now() >= until)
      throw plugin::Failure(OSIRIS_DEADLINE,
                            connection_.name() + " did not answer within " + std::to_string(limit.count()) + " ms");
    read(kSlice);
  }
}

void RemoteShell::send_file(const std::string& path, uint64_t offset) {
  bytes_left_.reset();
  is_amid_file_ = true;
  const std::string from = std::to_string(offset);
  send("n=$(wc -c < " + path + ") && echo && echo \"" + std::string(kMark) + kBytes + "$((n - " + from +
       "))\" && tail -c +" + std::to_string(offset + 1) + " " + path);
}

std::optional<std::string> RemoteShell::file_bytes(sdk::Milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  for (;;) {
    while (!bytes_left_) {
      const auto line = next_line();
      if (!line) break;
      bytes_left_ = marked_number(*line, kBytes);
      if (bytes_left_) break;
      if (const auto status = status_in(*line)) fail(*status, "fetch a file");
    }
    if (bytes_left_ && *bytes_left_ > 0 && !unread_.empty()) {
      std::string bytes = unread_.substr(0, std::min<uint64_t>(*bytes_left_, unread_.size()));
      unread_.erase(0, bytes.size());
      *bytes_left_ -= bytes.size();
      return bytes;
    }
    if (bytes_left_ && *bytes_left_ == 0) {
      said_.clear();
      answer(kEnding, {});
      return std::string();
    }
    const auto left = std::chrono::duration_cast<sdk::Milliseconds>(until - steady_clock::now());
    if (left.count() < 0 || !read(std::max(left, sdk::Milliseconds(1)))) return std::nullopt;
  }
}

}  // namespace ssh_adapter
