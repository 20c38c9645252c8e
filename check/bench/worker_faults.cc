#include "check/bench/worker_faults.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "check/bench/worker_between.h"
#include "protocol/base/fd.h"

namespace osiris::check {
namespace {

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

bool says(const std::string& line, std::string_view what) { return line.find(what) != std::string::npos; }

bool replace_in(std::string& line, std::string_view from, std::string_view to) {
  const size_t at = line.find(from);
  if (at == std::string::npos) return false;
  line.replace(at, from.size(), to);
  return true;
}

// The number after `"key":` becomes `number`.
void set_number(std::string& line, std::string_view key, std::string_view number) {
  const std::string quoted = "\"" + std::string(key) + "\":";
  const size_t at = line.find(quoted);
  if (at == std::string::npos) return;
  const size_t from = at + quoted.size(), to = line.find_first_of(",}", from);
  line.replace(from, to - from, number);
}

constexpr size_t kEndlessBytes = size_t{80} << 20;

}  // namespace

const std::vector<WorkerFault>& worker_faults() {
  static const std::vector<WorkerFault> faults = {
      {"dribble", "whose output comes a few bytes at a time", true, false},
      {"batches", "whose output comes in one piece after a while", true, false},
      {"stall", "that says nothing for 4 s in the middle of a run", true, false},
      {"empty_lines", "that writes empty lines between its records", true, false},
      {"unknown_record", "that writes a kind of record that is not known yet", true, false},
      {"unknown_keys", "whose records have keys that are not known yet", true, false},
      {"garbage_lines", "that writes lines to its output that are no records", true, false},
      {"binary_garbage", "that writes bytes to its output that are no UTF-8", true, false},
      {"duplicates", "whose records all come twice", true, false},
      {"chatty", "that writes 4 MB to its log", true, false},
      {"slow_end", "that takes a second to end after its last record", true, false},
      {"missing", "that is not there", false, false},
      {"not_executable", "that is no executable file", false, false},
      {"no_program", "that cannot be executed", false, false},
      {"exits_at_once", "that ends at once with status 1", false, false},
      {"killed_at_once", "that is killed before it says anything", false, false},
      {"speaks_otherwise", "that writes something else than records", false, false},
      {"other_protocol", "that speaks another protocol", false, false},
      {"cut_after_hello", "that ends after its first record", false, false},
      {"cut_in_record", "that ends in the middle of a record", false, false},
      {"cut_before_end", "that ends before it has answered everything", false, false},
      {"killed", "that is killed in the middle of a run", false, false},
      {"closes_output", "that closes its output in the middle of a run and lives on", false, true},
      {"garbled", "one of whose records is damaged", false, false},
      {"drops_record", "one of whose records is lost", false, false},
      {"truncates_record", "one of whose records lacks its second half", false, false},
      {"fatal", "that gives up with a fatal record", false, false},
      {"refuses_prepare", "that answers prepare with an error", false, false},
      {"endless_line", "that writes a line of 80 MB", false, true},
      {"silent", "that says nothing at all", false, true},
      {"stalls_for_ever", "that says nothing any more in the middle of a run", false, true},
      {"deaf", "that reads nothing of what it is sent", false, true},
      {"ignores_signals", "that takes no notice of SIGTERM", false, true},
  };
  return faults;
}

void FaultyStream::pass(std::string_view bytes) {
  if (!write_all(STDOUT_FILENO, bytes)) leave(1);
}

void FaultyStream::leave(int status) {
  if (worker_ > 0) ::kill(worker_, SIGKILL);
  _exit(status);
}

void FaultyStream::wait_for_ever() {
  at_stop_();
  for (;;) ::pause();
}

void FaultyStream::at_start() {
  if (fault_ == "exits_at_once") leave(1);
  if (fault_ == "killed_at_once") ::raise(SIGKILL);
  if (fault_ == "silent") wait_for_ever();
  if (fault_ == "deaf") at_stop_();
  if (fault_ == "ignores_signals") ::signal(SIGTERM, SIG_IGN);
  if (fault_ == "speaks_otherwise") {
    pass("Usage: something else entirely\n");
    leave(2);
  }
  if (fault_ == "chatty") {
    const std::string line = "a line of the log that is written for its length alone, and that says nothing\n";
    for (int i = 0; i < 50'000; ++i)
      if (!write_all(STDERR_FILENO, line)) return;
  }
}

bool FaultyStream::is_harmless_fault(std::string& line) {
  if (fault_ == "dribble") {
    for (size_t at = 0; at < line.size(); at += 7) {
      pass(std::string_view(line).substr(at, 7));
      if (at % 70 == 0) std::this_thread::yield();
    }
    return true;
  }
  if (fault_ == "batches") pause_ms(records_ == 2 ? 500 : 0);
  if (fault_ == "stall" && says(line, "\"step_start\"") && !is_done_) {
    is_done_ = true;
    pause_ms(4'000);
  }
  if (fault_ == "empty_lines") line = "\n\n" + line;
  if (fault_ == "unknown_record") line += "{\"type\":\"telemetry\",\"data\":{\"watts\":3}}\n";
  if (fault_ == "unknown_keys") replace_in(line, "{", "{\"not_known_yet\":{\"a\":[1,{\"b\":null}]},");
  if (fault_ == "garbage_lines") line += "warning: this is no record\n";
  if (fault_ == "binary_garbage") line += std::string("\xff\xfe\x80 no record\n");
  if (fault_ == "duplicates" && says(line, "\"seq\":")) line += line;
  return false;
}

bool FaultyStream::is_hello_fault(std::string& line) {
  if (fault_ == "other_protocol") set_number(line, "protocol", "999");
  if (fault_ == "cut_after_hello") {
    pass(line);
    leave(0);
  }
  return false;
}

bool FaultyStream::is_middle_fault(std::string& line) {
  const bool is_middle = says(line, "\"step_complete\"") && !is_done_;
  if (fault_ == "cut_before_end" && says(line, "\"status\":\"finished\"")) leave(0);
  if (fault_ == "refuses_prepare" && says(line, "\"id\":") && !is_done_) {
    is_done_ = true;
    const size_t at = line.find("\"result\":");
    if (at != std::string::npos)
      line = line.substr(0, at) + "\"error\":{\"code\":\"unsupported\",\"message\":\"not today\",\"hint\":\"\"}}\n";
    return false;
  }
  if (!is_middle) return false;
  is_done_ = true;
  if (fault_ == "cut_in_record") {
    pass(std::string_view(line).substr(0, line.size() / 2));
    leave(0);
  }
  if (fault_ == "killed") ::raise(SIGKILL);
  if (fault_ == "closes_output") {
    const FileDescriptor nothing = FileDescriptor::open("/dev/null", O_WRONLY);
    ::dup2(nothing.get(), STDOUT_FILENO);
    wait_for_ever();
  }
  if (fault_ == "garbled") std::replace(line.begin(), line.end(), '"', '#');
  if (fault_ == "drops_record") return true;
  if (fault_ == "truncates_record") line = line.substr(0, line.size() / 2) + "\n";
  if (fault_ == "fatal") {
    pass("{\"type\":\"fatal\",\"error\":{\"code\":\"internal\",\"message\":\"out of everything\",\"hint\":\"\"}}\n");
    leave(3);
  }
  if (fault_ == "endless_line") {
    at_stop_();
    const std::string block(1 << 20, 'x');
    for (size_t written = 0; written < kEndlessBytes; written += block.size()) pass(block);
    pass("\n");
    wait_for_ever();
  }
  if (fault_ == "stalls_for_ever" || fault_ == "ignores_signals") wait_for_ever();
  return false;
}

void FaultyStream::record(std::string line) {
  ++records_;
  if (records_ == 1 && is_hello_fault(line)) return;
  if (records_ > 1 && is_middle_fault(line)) return;
  if (is_harmless_fault(line)) return;
  pass(line);
}

void FaultyStream::at_end() {
  if (fault_ == "slow_end") pause_ms(1'000);
}

}  // namespace osiris::check
