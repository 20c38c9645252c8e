// The faults of a WorkerBetween: what becomes of each record on its way from the real worker to the adapter.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace osiris::check {

// Of the process in between. Some faults end the process; what they write is written at once.
class FaultyStream {
 public:
  // `at_stop` is called once a fault has come after which nothing of use will.
  FaultyStream(std::string fault, std::function<void()> at_stop)
      : fault_(std::move(fault)), at_stop_(std::move(at_stop)) {}

  void at_start();  // before the real worker is started
  void set_worker(pid_t worker) { worker_ = worker; }
  void record(std::string line);  // with its line end
  void at_end();                  // the worker has closed its output
  bool reads_requests() const { return fault_ != "deaf"; }

 private:
  void pass(std::string_view bytes);
  [[noreturn]] void leave(int status);
  [[noreturn]] void wait_for_ever();
  // Faults by when they come: each returns whether it dealt with the record.
  bool is_harmless_fault(std::string& line);
  bool is_hello_fault(std::string& line);
  bool is_middle_fault(std::string& line);

  const std::string fault_;
  const std::function<void()> at_stop_;
  pid_t worker_ = -1;
  size_t records_ = 0;    // seen, hello included
  bool is_done_ = false;  // of faults that come once
};

}  // namespace osiris::check
