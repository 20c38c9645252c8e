// Lines of a program's stdout, which is non-blocking.
#pragma once

#include <unistd.h>

#include <string>

#include "tests/support/eventually.h"

namespace osiris::worker::test {

class LineReader {
 public:
  // The next line; empty at the end.
  std::string next(int fd) {
    for (;;) {
      if (const size_t end = read_.find('\n'); end != std::string::npos) {
        std::string line = read_.substr(0, end);
        read_.erase(0, end + 1);
        return line;
      }
      char block[4096];
      ssize_t got = -1;
      if (!osiris::test::eventually([&] { return (got = ::read(fd, block, sizeof block)) >= 0; }))
        return "nothing came";
      if (got == 0) return "";
      read_.append(block, static_cast<size_t>(got));
    }
  }

 private:
  std::string read_;
};

}  // namespace osiris::worker::test
