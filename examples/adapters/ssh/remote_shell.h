// A shell on the other machine that stays for the whole run: one ssh session. The first script is its command; its
// stdin brings a line of script at a time after that. Each costs one round trip more than the answer to "open" and
// "run": a client sends what it reads only when it has both.
#pragma once

#include <osiris/sdk.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connection.h"

namespace ssh_adapter {

// Before what a script has to say: a login shell may talk, too.
inline constexpr std::string_view kMark = "osiris: ";

class RemoteShell {
 public:
  // Starts nothing: the first script does.
  explicit RemoteShell(const Connection& connection) : connection_(connection) {}

  // Whether the next script can be sent. Not amid a file that was not read to its end, and not when the client is no
  // more: it ends with the thread that started it, and each call of an adapter may come from another one.
  bool is_free() { return !is_amid_file_ && !(child_ && child_->wait(sdk::Milliseconds(0))); }

  // Sends a script of one line and waits for nothing. The first one shows in a list of processes there. Scripts run one
  // after another, also where the answer of one was given up: what is sent to undo another is never overtaken by it.
  void send(const std::string& script);
  // What the last script wrote, stderr too. Throws when it ends with another status than 0.
  std::string answer(sdk::Milliseconds limit, const sdk::Child::GivesUp& gives_up);
  std::string run(const std::string& script, sdk::Milliseconds limit, const sdk::Child::GivesUp& gives_up) {
    send(script);
    return answer(limit, gives_up);
  }

  // Sends a file from `offset` on.
  void send_file(const std::string& path, uint64_t offset);
  // Of that file: some bytes; empty at the end; nothing when none came within `wait`.
  std::optional<std::string> file_bytes(sdk::Milliseconds wait);

 private:
  // The status of the last script, where `line` is the mark behind its answer.
  std::optional<uint64_t> status_in(const std::string& line);
  // Reads on; false: nothing came. Throws at the end of the output.
  bool read(sdk::Milliseconds wait);
  std::optional<std::string> next_line();
  [[noreturn]] void fail(uint64_t status, const std::string& doing);

  const Connection& connection_;
  std::optional<sdk::Child> child_;
  uint64_t number_ = 0;  // of the last script
  bool is_amid_file_ = false;
  std::string unread_;
  std::string said_;                    // by the script that runs
  std::optional<uint64_t> bytes_left_;  // of the file; nothing: its length has not come
};

}  // namespace ssh_adapter
