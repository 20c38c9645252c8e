// What a watcher sees of a run, as text: pure functions of the tally, so that tests need no terminal.
#pragma once

#include <string>
#include <vector>

#include "host/run/step_tally.h"

namespace osiris {

// One line per running step, cut to `width`: spinner, id, rows, the rate of the last seconds, elapsed time and, as far
// as they are known, bytes, percent and the time left. At most `lines_max` lines; the last
// one then says how many more run. The note alone while no step runs.
std::vector<std::string> live_lines(const std::vector<StepState>& steps, const std::string& note, int64_t now_ns,
                                    size_t width, size_t lines_max, bool color);

// "  ✓ read: Complete (duration: 0.01s, rows: 6)", "  ✗ sql: Failed (duration: 0.01s)", "  ○ write: Skipped (sql
// failed)". Why a step failed is said once, when the run has ended.
std::string ended_line(const StepState& step, bool color);
// "      ✗ unique(id): 2 of 5 rows share ...\n" for each data check of an ended step that is no pass.
std::string check_lines(const StepState& step, bool color);
// "  ▶ read: Starting... (driver: filesystem.csv_extractor)".
std::string started_line(const StepState& step);

// Step, Driver, Status, Rows, Rate, Duration; one row per step, in plan order; cut to fit `width` columns, down to
// about 50.
std::string summary_table(const std::vector<StepState>& steps, size_t width, bool color);
// "3 steps, 5 checks (1 warned), 1,234 rows, 0.04s".
std::string summary_line(const std::vector<StepState>& steps, uint64_t total_rows, double seconds);

}  // namespace osiris
