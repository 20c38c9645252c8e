#include "host/display/display.h"

#include <algorithm>
#include <chrono>

#include "host/display/format.h"
#include "host/display/step_lines.h"
#include "protocol/base/thread.h"

namespace osiris {
namespace {

constexpr auto kFrame = std::chrono::milliseconds(100);

}  // namespace

Display::Display(DisplayMode mode, Terminal terminal, const StepTally& tally)
    : mode_(mode), terminal_(terminal), tally_(tally) {
  if (mode_ != DisplayMode::kNone) is_at_end_ = !begin_thread(thread_, [this] { loop(); });
}

Display::~Display() { finish(); }

void Display::line(std::string text) {
  std::lock_guard lock(mutex_);
  lines_.push_back(std::move(text));
  wake_.notify_one();
}

void Display::finish() {
  if (std::exchange(is_at_end_, false)) draw(true);
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void Display::loop() {
  for (;;) {
    bool finished;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kFrame, [&] { return finished_ || !lines_.empty(); });
      finished = finished_;
    }
    draw(finished);
    if (finished) return;
  }
}

std::string Display::take_new_lines(const std::vector<StepState>& steps) {
  std::string text;
  shown_.resize(steps.size(), StepPhase::kWaiting);
  for (size_t i = 0; i < steps.size(); ++i) {
    if (shown_[i] == steps[i].phase) continue;
    const bool first_seen = shown_[i] == StepPhase::kWaiting;
    shown_[i] = steps[i].phase;
    // A live line says that a step started; plain output says it in words.
    if (mode_ == DisplayMode::kPlain && first_seen && steps[i].phase != StepPhase::kSkipped && steps[i].plan.runs)
      text += started_line(steps[i]) + '\n';
    if (steps[i].phase == StepPhase::kRunning) continue;
    text += ended_line(steps[i], terminal_.color) + '\n' + check_lines(steps[i], terminal_.color);
  }
  return text;
}

void Display::draw(bool last) {
  std::vector<std::string> kept;
  {
    std::lock_guard lock(mutex_);
    kept.swap(lines_);
  }
  const uint64_t revision = tally_.revision();
  const bool changed = revision != revision_;
  if (mode_ == DisplayMode::kPlain && !changed && kept.empty()) return;
  revision_ = revision;

  const std::vector<StepState> steps = tally_.steps();
  std::string text;
  // Back to the first live line, and everything from there on away; one write, so that nothing flickers.
  if (drawn_) text += "\r\x1b[" + std::to_string(drawn_) + "A\x1b[J";
  for (const std::string& line : kept) text += line + '\n';
  text += take_new_lines(steps);
  drawn_ = 0;
  if (mode_ == DisplayMode::kLive && !last) {
    const size_t height = terminal_.height();
    auto lines = live_lines(steps, tally_.note(), tally_.now_ns(), terminal_.width() - 1, height > 5 ? height - 4 : 1,
                            terminal_.color);
    if (const auto cost = tally_.cost())
      if (const std::string told = live_cost_text(*cost, tally_.now_ns()); !told.empty())
        lines.push_back(fit("    " + printable(told), terminal_.width() - 1));
    for (const std::string& line : lines) text += line + '\n';
    drawn_ = lines.size();
  }
  if (!text.empty()) write_text(terminal_.fd, text);
}

}  // namespace osiris
