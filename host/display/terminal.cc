#include "host/display/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/base/fd.h"

namespace osiris {
namespace {

winsize size_of(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
  return size;
}

}  // namespace

size_t Terminal::width() const {
  const winsize size = size_of(fd);
  return size.ws_col ? size.ws_col : 80;
}

size_t Terminal::height() const {
  const winsize size = size_of(fd);
  return size.ws_row ? size.ws_row : 24;
}

Terminal terminal_of(int fd, const Environment& environment) {
  Terminal terminal;
  terminal.fd = fd;
  const std::string term = environment.get("TERM").value_or("");
  terminal.interactive = isatty(fd) == 1 && !term.empty() && term != "dumb";
  terminal.color = terminal.interactive && !environment.get_filled("NO_COLOR");
  return terminal;
}

std::string paint(std::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::kPlain) return std::string(text);
  const char* code = "0";
  switch (color) {
    case Color::kRed:
      code = "31";
      break;
    case Color::kGreen:
      code = "32";
      break;
    case Color::kYellow:
      code = "33";
      break;
    case Color::kCyan:
      code = "36";
      break;
    case Color::kDim:
      code = "2";
      break;
    case Color::kBold:
      code = "1";
      break;
    case Color::kPlain:
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

int write_text(int fd, std::string_view text) { return write_all(fd, text) ? 0 : errno; }

void write_text_briefly(int fd, std::string_view text) {
  constexpr int kPatience_ms = 200;
  constexpr size_t kSurelyTaken = 4096;  // PIPE_BUF: what a pipe that says it is writable takes without blocking
  pollfd ready{fd, POLLOUT, 0};
  while (!text.empty() && ::poll(&ready, 1, kPatience_ms) == 1 && !(ready.revents & (POLLERR | POLLNVAL))) {
    const ssize_t wrote = ::write(fd, text.data(), std::min(text.size(), kSurelyTaken));
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
}

}  // namespace osiris
