// The display in front of a real terminal (a pty) and of a pipe.
#include "host/display/display.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/no_more_threads.h"

namespace osiris {
namespace {

// Both ends of a terminal or of a pipe; what was written can be read until a text shows up.
class Screen {
 public:
  explicit Screen(bool terminal) {
    if (terminal) {
      winsize size{24, 80, 0, 0};
      if (openpty(&reader_, &writer_, nullptr, nullptr, &size) != 0) std::abort();
    } else {
      int fds[2];
      if (pipe2(fds, O_CLOEXEC) != 0) std::abort();
      reader_ = fds[0];
      writer_ = fds[1];
    }
  }
  ~Screen() {
    close_writer();
    ::close(reader_);
  }
  int writer() const { return writer_; }
  void close_writer() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
  }
  // Waits for `text` (and fails if it does not come); returns all that was read so far.
  const std::string& until(const std::string& text) {
    while (seen_.find(text) == std::string::npos && read_some()) {
    }
    EXPECT_NE(seen_.find(text), std::string::npos) << "never showed '" << text << "', but: " << seen_;
    return seen_;
  }
  const std::string& rest() {
    close_writer();
    while (read_some()) {
    }
    return seen_;
  }

 private:
  bool read_some() {
    pollfd ready{reader_, POLLIN, 0};
    if (::poll(&ready, 1, 20'000) <= 0) return false;
    char block[4096];
    const ssize_t got = ::read(reader_, block, sizeof block);
    if (got <= 0) return false;
    seen_.append(block, static_cast<size_t>(got));
    return true;
  }
  int reader_ = -1, writer_ = -1;
  std::string seen_;
};

Environment terminal_environment(bool no_color = false) {
  Environment environment;
  environment.set("TERM", "xterm");
  if (no_color) environment.set("NO_COLOR", "1");
  return environment;
}

class DisplayTest : public testing::Test {
 protected:
  DisplayTest() { tally_.plan({{"read", "csv", "extract"}, {"sql", "duckdb", "transform"}}); }
  ManualClock clock_;
  StepTally tally_{clock_};
};

TEST_F(DisplayTest, RedrawsLiveLinesOnATerminalAndTakesThemAwayAtTheEnd) {
  Screen screen(true);
  const Terminal terminal = terminal_of(screen.writer(), terminal_environment());
  EXPECT_TRUE(terminal.interactive);
  EXPECT_TRUE(terminal.color);
  EXPECT_EQ(terminal.width(), 80u);
  Display display(DisplayMode::kLive, terminal, tally_);
  tally_.on_event("step_start", "read", Json::object());
  tally_.on_progress("read", {.rows = 1234});
  screen.until("1,234 rows");
  screen.until("\x1b[1A\x1b[J");  // drawn again
  tally_.on_event("step_complete", "read", Json::object({{"rows_processed", 1234}}));
  screen.until("read: Complete");
  display.finish();
  const std::string seen = screen.rest();
  EXPECT_EQ(seen.find("Starting..."), std::string::npos);
}

TEST_F(DisplayTest, ATerminalIsAsLargeAsItSaysAndElseOfTheUsualSize) {
  Screen screen(true), pipe(false);
  const Terminal terminal = terminal_of(screen.writer(), terminal_environment());
  const winsize size{30, 100, 0, 0};
  ASSERT_EQ(::ioctl(screen.writer(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(terminal.width(), 100u);
  EXPECT_EQ(terminal.height(), 30u);
  const Terminal none = terminal_of(pipe.writer(), terminal_environment());
  EXPECT_EQ(none.width(), 80u);
  EXPECT_EQ(none.height(), 24u);
}

TEST_F(DisplayTest, WritesPlainLinesToAPipeWithoutAnyEscapeSequence) {
  Screen screen(false);
  const Terminal terminal = terminal_of(screen.writer(), terminal_environment());
  EXPECT_FALSE(terminal.interactive);
  Display display(DisplayMode::kPlain, terminal, tally_);
  tally_.on_event("step_start", "read", Json::object({{"driver", "csv"}}));
  display.line("a note");
  tally_.on_event("step_failed", "read", Json::object({{"error", "boom"}}));
  tally_.on_event("step_skipped", "sql", Json::object({{"cause", "read"}}));
  display.finish();
  const std::string seen = screen.rest();
  EXPECT_NE(seen.find("▶ read: Starting... (driver: csv)\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("✗ read: Failed (duration: 0.00s)\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("○ sql: Skipped (read failed)\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("a note\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find('\x1b'), std::string::npos) << seen;
}

TEST_F(DisplayTest, WritesNothingInJsonMode) {
  Screen screen(false);
  Display display(DisplayMode::kNone, terminal_of(screen.writer(), terminal_environment()), tally_);
  tally_.on_event("step_complete", "read", Json::object());
  display.line("a note");
  display.finish();
  EXPECT_EQ(screen.rest(), "");
}

TEST_F(DisplayTest, UsesNoColourWhenNoColorIsSet) {
  Screen screen(true);
  const Terminal terminal = terminal_of(screen.writer(), terminal_environment(true));
  EXPECT_TRUE(terminal.interactive);
  EXPECT_FALSE(terminal.color);
}

TEST_F(DisplayTest, TreatsADumbTerminalAsAPipe) {
  Screen screen(true);
  Environment environment;
  environment.set("TERM", "dumb");
  EXPECT_FALSE(terminal_of(screen.writer(), environment).interactive);
}

TEST_F(DisplayTest, EndsWhenItsReaderHasGoneAway) {
  signal(SIGPIPE, SIG_IGN);
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  ::close(fds[0]);
  Display display(DisplayMode::kPlain, terminal_of(fds[1], terminal_environment()), tally_);
  tally_.on_event("step_complete", "read", Json::object());
  display.finish();
  ::close(fds[1]);
}

// A second Ctrl-C leaves at once, also when the terminal is stopped: write_text would wait for it for ever.
TEST(LastWords, DoNotWaitForAReader) {
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_CLOEXEC), 0);
  ASSERT_EQ(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
  const std::string block(4096, 'x');
  while (write(fds[1], block.data(), block.size()) > 0) {
  }
  ASSERT_EQ(fcntl(fds[1], F_SETFL, 0), 0);
  write_text_briefly(fds[1], "nobody reads this");
  close(fds[0]);
  close(fds[1]);
}

TEST(LastWords, ReachAReaderWhoIsThere) {
  Screen screen(false);
  write_text_briefly(screen.writer(), std::string(5000, 'x') + "end");
  EXPECT_EQ(screen.rest().size(), 5003u);
}

TEST_F(DisplayTest, WithoutAThreadEverythingIsShownAtTheEnd) {
  Screen screen(false);
  const NoMoreThreads none;
  Display display(DisplayMode::kPlain, terminal_of(screen.writer(), terminal_environment()), tally_);
  tally_.on_event("step_start", "read", Json::object({{"driver", "csv"}}));
  display.line("a note");
  tally_.on_event("step_failed", "read", Json::object({{"error", "boom"}}));
  display.finish();
  display.finish();
  const std::string seen = screen.rest();
  EXPECT_NE(seen.find("a note\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("✗ read: Failed (duration: 0.00s)\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Failed"), seen.rfind("Failed")) << seen;
}

}  // namespace
}  // namespace osiris
