#include "host/display/step_lines.h"

#include <algorithm>
#include <array>

#include "host/display/format.h"
#include "host/display/terminal.h"

namespace osiris {
namespace {

constexpr std::array kSpinner = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

std::string rows_text(uint64_t rows) { return counted(rows, "row"); }

std::string ended_rows(const StepState& step) {
  return step.rows_read || step.rows_written || step.rows_out || step.progress.latest().rows ? format_count(step.rows())
                                                                                             : std::string();
}

// Of the last seconds; empty while there is no news.
std::string recent_rate(const StepState& step, int64_t now_ns) {
  const auto rate = step.progress.rows_per_second(now_ns);
  return rate ? format_rate(*rate) : "";
}

// "  120.0 MiB of 300.0 MiB  40 %  3s left", as far as it is known.
std::string progress_text(const ProgressHistory& progress, int64_t now_ns) {
  const StepProgress& latest = progress.latest();
  std::string text;
  if (latest.bytes) text += "  " + format_bytes(latest.bytes);
  if (latest.bytes && latest.bytes_total) text += " of " + format_bytes(latest.bytes_total);
  if (const auto rate = progress.bytes_per_second(now_ns); latest.bytes && rate)
    text += "  " + format_bytes(static_cast<uint64_t>(*rate)) + "/s";
  if (const auto fraction = progress.fraction())
    text += "  " + std::to_string(static_cast<int>(*fraction * 100)) + " %";
  if (const auto left = progress.seconds_left(now_ns)) text += "  " + format_duration(*left) + " left";
  return text;
}

Color color_of(StepPhase phase) {
  switch (phase) {
    case StepPhase::kComplete:
      return Color::kGreen;
    case StepPhase::kFailed:
      return Color::kRed;
    case StepPhase::kCancelled:
    case StepPhase::kSkipped:
      return Color::kYellow;
    case StepPhase::kWaiting:
    case StepPhase::kRunning:
      return Color::kPlain;
  }
  return Color::kPlain;
}

constexpr size_t kIdWidthMax = 40, kIdWidthMin = 8;

std::string plain_table(const std::vector<StepState>& steps, size_t id_width, bool with_driver) {
  std::vector<Table::Column> columns = {{"Step"},       {"Driver"},     {"Status"},
                                        {"Rows", true}, {"Rate", true}, {"Duration", true}};
  if (!with_driver) columns.erase(columns.begin() + 1);
  Table table(std::move(columns));
  for (const StepState& step : steps) {
    const bool ended = step.phase != StepPhase::kWaiting && step.phase != StepPhase::kRunning &&
                       step.phase != StepPhase::kSkipped && !step.is_reused();
    std::vector<std::string> cells = {fit(printable(step.plan.id), id_width),
                                      fit(printable(step.plan.driver), 32),
                                      step.is_reused() ? "not run again" : std::string(phase_name(step.phase)),
                                      ended_rows(step),
                                      ended ? format_rate(step.rows(), step.duration_s) : "",
                                      ended ? format_duration(step.duration_s) : ""};
    if (!with_driver) cells.erase(cells.begin() + 1);
    table.row(std::move(cells));
  }
  return table.text();
}

}  // namespace

std::vector<std::string> live_lines(const std::vector<StepState>& steps, const std::string& note, int64_t now_ns,
                                    size_t width, size_t lines_max, bool color) {
  std::vector<const StepState*> running;
  size_t id_width = 0;
  for (const StepState& step : steps) {
    if (step.phase != StepPhase::kRunning) continue;
    running.push_back(&step);
    id_width = std::max(id_width, display_width(step.plan.id));
  }
  const std::string spinner = kSpinner[static_cast<size_t>(now_ns / 100'000'000) % kSpinner.size()];
  std::vector<std::string> lines;
  if (running.empty()) {
    if (!note.empty()) lines.push_back(fit("  " + spinner + " " + printable(note), width));
    return lines;
  }
  id_width = std::min<size_t>(id_width, std::max<size_t>(width / 3, 8));
  const size_t shown = running.size() > lines_max ? lines_max - 1 : running.size();
  for (size_t i = 0; i < shown; ++i) {
    const StepState& step = *running[i];
    const double elapsed = static_cast<double>(now_ns - step.started_monotonic_ns) / 1e9;
    std::string line = "  " + spinner + " " + pad(fit(printable(step.plan.id), id_width), id_width) + "  ";
    line += pad(rows_text(step.rows()), 16, true) + "  " + pad(recent_rate(step, now_ns), 14, true) + "  " +
            format_duration(elapsed) + progress_text(step.progress, now_ns);
    if (step.attempt > 1) line += "  attempt " + std::to_string(step.attempt);
    lines.push_back(paint(fit(line, width), Color::kCyan, color));
  }
  if (shown < running.size())
    lines.push_back(fit("  … and " + std::to_string(running.size() - shown) + " more running", width));
  return lines;
}

std::string started_line(const StepState& step) {
  return "  ▶ " + printable(step.plan.id) + ": Starting... (driver: " + printable(step.plan.driver) + ")";
}

std::string check_lines(const StepState& step, bool color) {
  std::string text;
  for (const CheckResult& check : step.checks) {
    if (check.passed()) continue;
    text += "      " + (check.warned() ? paint("⚠", Color::kYellow, color) : paint("✗", Color::kRed, color)) + " " +
            printable(check.name + ": " + check.message) +
            (check.stored.empty() ? "" : " (" + printable(check.stored) + ")") + "\n";
  }
  return text;
}

std::string ended_line(const StepState& step, bool color) {
  const std::string id = printable(step.plan.id);
  switch (step.phase) {
    case StepPhase::kComplete: {
      const std::string rows = ended_rows(step);
      if (step.is_reused())
        return "  " + paint("✓", Color::kGreen, color) + " " + id + ": Not run again (" +
               (rows.empty() ? "" : "rows: " + rows + ", ") + "of " + printable(step.reused_run_id) + ")";
      return "  " + paint("✓", Color::kGreen, color) + " " + id +
             ": Complete (duration: " + format_duration(step.duration_s) + (rows.empty() ? "" : ", rows: " + rows) +
             (step.checks.empty() ? "" : ", checks: " + std::to_string(step.checks.size())) + ")";
    }
    case StepPhase::kFailed:
      return "  " + paint("✗", Color::kRed, color) + " " + id +
             ": Failed (duration: " + format_duration(step.duration_s) + ")";
    case StepPhase::kCancelled:
      return "  " + paint("○", Color::kYellow, color) + " " + id + ": Cancelled";
    case StepPhase::kSkipped:
      return "  " + paint("○", Color::kYellow, color) + " " + id + ": Skipped" +
             (step.cause.empty() ? "" : " (" + printable(step.cause) + " failed)");
    case StepPhase::kWaiting:
    case StepPhase::kRunning:
      break;
  }
  return "  - " + id + ": " + std::string(phase_name(step.phase));
}

std::string summary_table(const std::vector<StepState>& steps, size_t width, bool color) {
  size_t id_width = 0;
  for (const StepState& step : steps)
    id_width = std::max(id_width, std::min(display_width(printable(step.plan.id)), kIdWidthMax));
  // Too narrow: first the ids are cut, then the drivers go.
  std::string text;
  for (const bool with_driver : {true, false}) {
    text = plain_table(steps, id_width, with_driver);
    const size_t title_end = text.find('\n'), rule_end = text.find('\n', title_end + 1);
    const size_t needed = display_width(std::string_view(text).substr(title_end + 1, rule_end - title_end - 1));
    if (needed <= width) break;
    const size_t over = needed - width;
    text = plain_table(steps, id_width > over + kIdWidthMin ? id_width - over : kIdWidthMin, with_driver);
    if (id_width >= over + kIdWidthMin) break;
  }
  if (!color) return text;
  // Colour after padding: escape sequences have no width the table could know of.
  std::string painted;
  size_t line_number = 0;
  for (size_t start = 0; start < text.size(); ++line_number) {
    const size_t end = text.find('\n', start);
    const std::string line = text.substr(start, end - start);
    const Color tint = line_number < 2 ? Color::kDim : color_of(steps[line_number - 2].phase);
    painted += paint(line, tint, true) + '\n';
    start = end + 1;
  }
  return painted;
}

namespace {

// "5 checks (1 failed, 1 warned), "; empty where there are none.
std::string checks_text(const std::vector<StepState>& steps) {
  size_t all = 0, failed = 0, warned = 0;
  for (const StepState& step : steps)
    for (const CheckResult& check : step.checks) {
      ++all;
      if (check.warned())
        ++warned;
      else if (!check.passed())
        ++failed;
    }
  if (all == 0) return {};
  std::string found = failed ? std::to_string(failed) + " failed" : "";
  if (warned) found += (found.empty() ? "" : ", ") + std::to_string(warned) + " warned";
  return counted(all, "check") + (found.empty() ? "" : " (" + found + ")") + ", ";
}

}  // namespace

std::string summary_line(const std::vector<StepState>& steps, uint64_t total_rows, double seconds) {
  const auto count = [&](StepPhase phase) {
    return std::count_if(steps.begin(), steps.end(), [&](const StepState& s) { return s.phase == phase; });
  };
  const auto done = count(StepPhase::kComplete);
  const auto total = static_cast<ptrdiff_t>(steps.size());
  std::string text = done == total ? std::to_string(total) : std::to_string(done) + " of " + std::to_string(total);
  text += total == 1 ? " step, " : " steps, ";
  if (const auto reused = std::count_if(steps.begin(), steps.end(), [](const StepState& s) { return s.is_reused(); }))
    text += std::to_string(reused) + " not run again, ";
  if (const auto failed = count(StepPhase::kFailed)) text += std::to_string(failed) + " failed, ";
  if (const auto cancelled = count(StepPhase::kCancelled)) text += std::to_string(cancelled) + " cancelled, ";
  if (const auto skipped = count(StepPhase::kSkipped)) text += std::to_string(skipped) + " skipped, ";
  return text + checks_text(steps) + rows_text(total_rows) + ", " + format_duration(seconds);
}

}  // namespace osiris
