// Processes on a remote machine that a service reaches: started, heard over a stream that may break while they live on,
// written to and ended by calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/channel/channel.h"
#include "plugins/sdk/channel/service.h"

namespace osiris::sdk {

struct StartSpec {
  std::string command;  // absolute
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
};

// What a process's stream brings, in order: one start, any number of output, one end.
struct ProcessEvent {
  enum class Kind { kStart, kOutput, kLog, kEnd } kind = Kind::kStart;
  int64_t pid = 0;    // kStart
  std::string bytes;  // kOutput (its stdout), kLog (its stderr)
  ExitInfo exit;      // kEnd
};

// Not thread safe but for cancel().
class ProcessStream {
 public:
  virtual ~ProcessStream() = default;
  // The next event; kDeadline when none came within `wait`. Any other error means that the stream is over without an
  // end event: the process may live on.
  virtual Result<ProcessEvent> next(Milliseconds wait) = 0;
  virtual void cancel() = 0;
};

// A file's bytes as they come.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Some bytes, none at the end; kDeadline, without a category, when none came within `wait`.
  virtual Result<std::string> read(Milliseconds wait) = 0;
};

// [any thread]
class RemoteProcesses {
 public:
  virtual ~RemoteProcesses() = default;

  virtual std::unique_ptr<ProcessStream> start(const StartSpec& spec) = 0;
  // The stream of a process that runs already.
  virtual std::unique_ptr<ProcessStream> connect(int64_t pid) = 0;
  // Returns once the process's pipe took it; calls of one thread keep their order. What is sent may hold secrets: no
  // copy of it stays in memory or in a log of the service's.
  virtual Status send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) = 0;
  // Ends the process, not what it started. One that is gone already is success.
  virtual Status kill(int64_t pid) = 0;

  // The next two answer within 2 s each, whatever the network does: the pids of the processes that live; and whether
  // the daemon answers (true), or the service says that the machine is not there (false).
  virtual Result<std::vector<int64_t>> list() = 0;
  virtual Result<bool> is_alive() = 0;

  // What errors of the calls above say: of connect(), that there is no such process any more; of send_input(), that the
  // process has ended or is about to.
  virtual bool is_unknown_process(const Error& error) const = 0;
  virtual bool is_input_closed(const Error& error) const = 0;
};

}  // namespace osiris::sdk
