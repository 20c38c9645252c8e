// A step's program from its start to its end: its lines in the step's log, what it says of its progress, its exit, and
// its end with everything it started as soon as the step is stopped.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/program/contract.h"
#include "worker/drivers/program/output_lines.h"
#include "worker/drivers/program/process.h"

namespace osiris::worker::program {

// PATH and HOME of this process, UTC and the C locale: what every process gets.
Variables base_environment();

// The absolute path of `name`, a name on `path` or an absolute path itself; kNotFound, with the reason, when there is
// no such program.
Result<std::string> find_program(const std::string& name, const std::string& path);

// The three things a program can say on its stdout beside text for the log.
class StdoutCommands {
 public:
  explicit StdoutCommands(StepContext& step) : step_(step) {}

  // True when the line was one: "::progress 1200", "::metric name 0.75 unit", "::event name {"any": "json"}".
  bool take(std::string_view line);
  // Progress only grows.
  void progress(uint64_t rows) {
    rows_ = std::max(rows_, rows);
    step_.progress(rows_);
  }

 private:
  bool event(std::string_view line, const std::string& name);

  StepContext& step_;
  uint64_t rows_ = 0;
};

struct Running {
  std::vector<std::string> arguments;  // [0]: an absolute path
  Variables variables;                 // wiped when it has ended
  std::filesystem::path working_directory;
  std::vector<std::filesystem::path> places;  // that it may write to
  Renames renames;
  // For a program whose stdout is no text for people: takes it as it comes. May be empty, as the next two.
  std::function<void(std::string_view bytes)> on_output;
  std::function<void()> on_error_line;  // it has said something on stderr
  std::function<bool()> must_end;       // asked several times a second: then it is ended as by a cancel, kCancelled
};

// Why an exit was no success.
using ExitError = std::function<Error(const ExitStatus& exit, const LastLines& last)>;

// Exit status 0 is a success; otherwise the error is `exit_error`'s.
Status run_to_end(StepContext& step, const Contract& contract, Running running, StdoutCommands& commands,
                  const ExitError& exit_error);

// "score.py exited with status 3; its last lines: …", with a hint.
Error exited(const Contract& contract, const ExitStatus& exit, const LastLines& last);

}  // namespace osiris::worker::program
