// Shows a running pipeline: live lines on a terminal, plain lines elsewhere, nothing for --json.
//
// A thread of its own does all the writing, at its own pace, from snapshots of the tally: a slow terminal never slows a
// run, and a thread that reports an event never waits for the terminal.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/display/terminal.h"
#include "host/run/step_tally.h"

namespace osiris {

enum class DisplayMode { kNone, kPlain, kLive };

class Display {
 public:
  // `tally` must outlive the display.
  Display(DisplayMode mode, Terminal terminal, const StepTally& tally);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  // A line to keep, above the live lines. [any thread]
  void line(std::string text);
  // Shows what is left, takes the live lines away and stops. Idempotent; [owner's thread].
  void finish();

 private:
  void loop();
  // New lines for steps that started or ended since the last look. [display thread]
  std::string take_new_lines(const std::vector<StepState>& steps);
  void draw(bool last);

  const DisplayMode mode_;
  const Terminal terminal_;
  const StepTally& tally_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> lines_;
  bool finished_ = false;
  // Of the display thread alone.
  std::vector<StepPhase> shown_;
  size_t drawn_ = 0;
  uint64_t revision_ = 0;
  std::thread thread_;
  bool is_at_end_ = false;  // the machine has no more threads: all is drawn by finish()
};

}  // namespace osiris
