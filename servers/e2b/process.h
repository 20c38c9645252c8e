// One process of a sandbox as envd keeps it: its pipes are always drained, what it prints goes to the clients
// subscribed at that moment and is thrown away otherwise, and its end waits for both pipes unless envd itself signalled
// it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/json.h"
#include "servers/e2b/agent/message.h"

namespace osiris::e2b_server {

using SteadyTime = std::chrono::steady_clock::time_point;

// A bounded queue of events for one stream. A full one makes the producer wait, and with it the process.
class Subscriber {
 public:
  Subscriber();

  struct Event {
    Json body;
    SteadyTime at;
  };
  enum class Closed { kNo, kEnded, kSandboxGone };

  // Readable while there is something to take or the queue is closed.
  int event_fd() const { return event_.get(); }
  std::optional<Event> take();
  Closed closed() const;  // after the last event has been taken
  // The reader is done: producers no longer wait for it.
  void leave();
  bool is_left() const;

  // Producer's side. False: `until` has come before there was room.
  bool push(const Json& event, SteadyTime until = SteadyTime::max());
  // As envd: when both pipes have ended and the process has not, nothing keeps the stream alive.
  void stop_keepalives();
  bool wants_keepalives() const;
  void close(Closed why);

 private:
  void signal();

  EventDescriptor event_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Event> events_;
  Closed closed_ = Closed::kNo;
  bool left_ = false;
  bool keepalives_ = true;
};

struct ProcessConfig {
  Json config;  // {"cmd","args","envs","cwd"} as the client sent it, for List
  std::string tag;
  bool is_pty = false;
  bool has_stdin = false;
};

class Process {
 public:
  // `fds` as the agent handed them over. `kill` sends SIGKILL to the leader (for the deadline).
  Process(int pid, ProcessConfig config, std::vector<FileDescriptor> fds, std::function<void()> kill);
  ~Process();

  void start(std::optional<std::chrono::milliseconds> deadline);
  // With the `start` event already in it. Nullopt deadline of retention: see ended_long_ago().
  std::shared_ptr<Subscriber> subscribe();
  void unsubscribe(const std::shared_ptr<Subscriber>& subscriber);

  enum class InputError { kNone, kClosed, kWrongKind, kNoStdin, kTimeout };
  // Blocks until everything is in the pipe, or until the time is over and part of it is.
  InputError send_input(std::string_view bytes, bool to_pty, SteadyTime until = SteadyTime::max());
  // False for a terminal.
  bool close_stdin();
  bool resize(int columns, int rows);

  void exited(int wait_status);  // by the agent's report
  void signalled();              // by envd: the end no longer waits for children holding the pipes
  void sandbox_gone();           // cuts every stream
  void cut_streams();            // pause: connections die, the process lives

  int pid() const { return pid_; }
  const ProcessConfig& config() const { return config_; }
  bool has_ended() const;
  // Ended processes are kept for late Connects for 30 s.
  bool is_forgotten() const;

 private:
  void pump();
  void kill_at_deadline();
  int poll_timeout_ms() const;
  bool forward(FileDescriptor& fd, const char* key);
  void publish(const Json& event);
  void finish();
  void wake();

  const int pid_;
  const ProcessConfig config_;
  const std::function<void()> kill_;
  FileDescriptor out_, err_, terminal_;
  EventDescriptor wake_;

  std::mutex input_mutex_;
  FileDescriptor stdin_;
  bool stdin_closed_ = false;

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::optional<int> wait_status_;
  bool signalled_ = false;
  bool output_over_ = false;
  bool gone_ = false;
  SteadyTime deadline_ = SteadyTime::max();  // the pump's own; max when none, or when it has struck
  std::optional<Json> end_;
  SteadyTime ended_at_;
  std::thread pump_;
};

// The `end` event for a wait status: Go's texts, zero values left out.
Json end_event(int wait_status);

}  // namespace osiris::e2b_server
