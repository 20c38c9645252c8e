// Measuring for the bench table: run a program, take its wall time and peak memory, repeat, and keep medians.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace osiris::bench {

struct Run {
  double wall_ms = 0;
  double peak_mib = 0;  // of the largest process of the run's tree that was waited for
  double cpu_s = 0;     // of all of them
  int exit_status = 0;
  std::string output;  // stdout
};

// Runs a program to its end with stdout captured and stderr discarded. Dies with a message when it fails.
Run run(const std::vector<std::string>& arguments, const std::string& working_directory = {},
        const std::vector<std::pair<std::string, std::string>>& environment = {});

double median(std::vector<double> values);

// What the rounds of one side have cost, and the medians.
class Costs {
 public:
  void add(const Run& run);
  double wall_ms() const { return median(wall_ms_); }
  double cpu_s() const { return median(cpu_s_); }
  double peak_mib() const { return median(peak_mib_); }
  // "1.21 M rows/s, 0.54 s of CPU"
  std::string rate(uint64_t rows) const;

 private:
  std::vector<double> wall_ms_, cpu_s_, peak_mib_;
};

// Alternates the two so that a noisy minute hits both; returns the medians of `what` over `times` rounds each.
struct Pair {
  double subject = 0;
  double baseline = 0;
  double ratio() const { return subject / baseline; }
};
Pair alternate(int times, const std::function<double()>& subject, const std::function<double()>& baseline);

// One row of the table.
struct Row {
  std::string what, subject, baseline, ratio, target;
  bool met = true;
};
std::string format(double value, const char* unit);
// As lines of a Markdown table.
void print(const std::vector<Row>& rows);

}  // namespace osiris::bench
