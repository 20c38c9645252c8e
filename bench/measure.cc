#include "bench/measure.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace osiris::bench {
namespace {

// A child that begins in this process's memory has this one's peak as its own. What was held before is given back, and
// no peak any more.
void forget_own_peak() {
  malloc_trim(0);
  if (std::FILE* file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

}  // namespace

Run run(const std::vector<std::string>& arguments, const std::string& working_directory,
        const std::vector<std::pair<std::string, std::string>>& environment) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) std::abort();
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  forget_own_peak();

  const auto started = std::chrono::steady_clock::now();
  const pid_t child = vfork();
  if (child == 0) {
    dup2(pipe_fds[1], 1);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 2);
    if (!working_directory.empty() && chdir(working_directory.c_str()) != 0) _exit(127);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(pipe_fds[1]);
  Run result;
  char block[65536];
  for (ssize_t got; (got = read(pipe_fds[0], block, sizeof block)) > 0;)
    result.output.append(block, static_cast<size_t>(got));
  close(pipe_fds[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  result.wall_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - started).count();
  result.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  result.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (result.exit_status != 0) {
    std::fprintf(stderr, "bench: %s ended with status %d\n", arguments[0].c_str(), result.exit_status);
    std::exit(1);
  }
  return result;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void Costs::add(const Run& run) {
  wall_ms_.push_back(run.wall_ms);
  cpu_s_.push_back(run.cpu_s);
  peak_mib_.push_back(run.peak_mib);
}

std::string Costs::rate(uint64_t rows) const {
  return format(static_cast<double>(rows) / wall_ms() / 1000, "M rows/s") + ", " + format(cpu_s(), "s of CPU");
}

Pair alternate(int times, const std::function<double()>& subject, const std::function<double()>& baseline) {
  std::vector<double> subjects, baselines;
  for (int i = 0; i < times; ++i) {
    subjects.push_back(subject());
    baselines.push_back(baseline());
  }
  return {median(subjects), median(baselines)};
}

std::string format(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f %s" : value < 100 ? "%.1f %s" : "%.0f %s", value, unit);
  return text;
}

void print(const std::vector<Row>& rows) {
  for (const Row& row : rows)
    std::printf("| %s | %s | %s | %s | %s%s |\n", row.what.c_str(), row.subject.c_str(), row.baseline.c_str(),
                row.ratio.c_str(), row.target.c_str(), row.met ? "" : " **missed**");
  std::fflush(stdout);
}

}  // namespace osiris::bench
