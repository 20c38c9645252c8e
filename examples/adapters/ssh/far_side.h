// What osiris has on the machine: the directory of one run, the worker under its hash, and the channels to both.
#pragma once

#include <osiris/sdk.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.h"
#include "remote_shell.h"
#include "worker_channel.h"

namespace ssh_adapter {

// Letters, digits and "._-": what needs no quotes, and is no way out of a directory.
bool is_plain_name(std::string_view name);

struct Run {
  std::string directory;  // its name below runs/: the run's id, a dot and what makes it one of its own
  std::string owner;
  std::string id() const { return directory.substr(0, directory.rfind('.')); }
  bool alive = false;  // its worker is
};
struct Listing {
  std::vector<Run> runs;
  std::vector<std::string> workers;  // file names
};

// A run is two sessions and five round trips over a connection that stands: the sessions are opened and their commands
// started (two), the shell's and the worker's alike; what the worker's waits for (files, then its script) is sent when
// the shell has told where things are, and the results come back (one); the outputs are fetched (one), and the run's
// directory is removed (one).
class FarSide : public sdk::FileChannel {
 public:
  FarSide(const Config& config, std::function<bool()> is_cancelled)
      : config_(config), connection_(config), is_cancelled_(std::move(is_cancelled)) {}

  // Makes the directory of a run, runs/<name>, looks whether the worker is there, and opens the sessions of the run.
  // Borrows the waker until the run is removed.
  void enter(const std::string& name, const plugin::Request& request, const std::string& owner,
             const sdk::Waker& waker);
  const std::string& home() const { return home_; }
  const std::string& root() const { return root_; }  // absolute
  bool has_worker() const { return has_worker_; }

  std::unique_ptr<sdk::ByteChannel> start(const std::string& script, const std::string& run_directory,
                                          const plugin::Request& request, const sdk::Waker& waker);
  // Into the worker's session, before its script. Returns when the bytes are on their way: what becomes of them is seen
  // by the channel of start().
  void upload(const std::string& path, const std::function<void(const Sink&)>& write) override;
  std::unique_ptr<sdk::ByteSource> download(const std::string& path, uint64_t offset) override;

  // Ends the run's worker, removes its directory and looks that both are gone. Goes on after a cancel; tried again for
  // `budget` when the machine cannot be reached.
  void remove_run(const std::string& run, sdk::Milliseconds budget);
  void remove_worker(const std::string& file);
  Listing list();

 private:
  std::string where() const;  // `cd` to the root, or end the script
  void open_session(const sdk::Waker& waker);
  RemoteShell& shell();
  // Waits until few of the session's bytes are still here. Throws when the session has ended.
  void await_room(const std::string& path);

  const Config config_;
  Connection connection_;
  const std::function<bool()> is_cancelled_;
  std::string home_, root_;
  bool has_worker_ = false;
  std::optional<RemoteShell> shell_;
  std::shared_ptr<sdk::ProcessChannel> session_;  // of the worker: runs a line at a time
  WorkerChannel::Heard heard_;                    // of it, before the worker's script
};

}  // namespace ssh_adapter
