// The real osiris on a terminal of 100 columns, read and typed at.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/project.h"

namespace osiris::e2e {

class PseudoTerminal {
 public:
  // `more_environment`: "NAME=value".
  PseudoTerminal(const Project& project, std::vector<std::string> arguments,
                 std::vector<std::string> more_environment = {});
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;

  // Keys: "\x03" is Ctrl-C.
  void type(std::string_view keys) const;
  // Reads until `wanted` has come, behind what the last such call has found; fails the test after 30 s of silence.
  void until(std::string_view wanted);
  // Waits until osiris has started a process: a signal from now on is one of a run that goes on.
  void until_it_has_a_child() const;
  // All that was shown.
  const std::string& text() const { return text_; }
  // Reads to the end. 128 + signal when killed.
  int end();

 private:
  bool read_some();

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string text_;
  size_t seen_ = 0;
};

}  // namespace osiris::e2e
