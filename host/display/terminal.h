// What the stream in front of us can do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/project/environment.h"

namespace osiris {

struct Terminal {
  int fd = 1;
  bool interactive = false;  // a terminal that understands cursor movement (not TERM=dumb)
  bool color = false;        // interactive, and NO_COLOR is not set
  size_t width() const;      // now; 80 when unknown
  size_t height() const;     // now; 24 when unknown
};
Terminal terminal_of(int fd, const Environment& environment);

enum class Color { kPlain, kRed, kGreen, kYellow, kCyan, kDim, kBold };
std::string paint(std::string_view text, Color color, bool enabled);

// All of it to a descriptor; the error number if that failed, else 0. Waits for a reader as long as it takes.
int write_text(int fd, std::string_view text);
// As much as a reader takes at once: for a process that is about to leave and must not wait for a stopped terminal.
void write_text_briefly(int fd, std::string_view text);

}  // namespace osiris
