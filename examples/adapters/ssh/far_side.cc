#include "far_side.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

namespace ssh_adapter {
namespace {

using std::chrono::steady_clock;

constexpr sdk::Milliseconds kCommand{30'000};
constexpr size_t kBlock = size_t{1} << 20;  // of an upload; held in memory there, too
constexpr size_t kUnsentMax = 4 * kBlock;   // of uploads, in memory here
constexpr sdk::Milliseconds kMoving{20};    // between looks at a cancel

std::vector<std::vector<std::string>> marked_lines(const std::string& output) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    if (line.compare(0, kMark.size(), kMark) != 0) continue;
    std::istringstream words(line.substr(kMark.size()));
    lines.emplace_back();
    for (std::string word; words >> word;) lines.back().push_back(word);
    lines.back().resize(5);
  }
  return lines;
}

// Scripts start as few programs as they can: each costs a millisecond, and more on a machine that is busy.

// Whether the process of a holder's pid file runs a worker of ours: pids are used again. Gives its pid in p.
constexpr const char* kIsAlive =
    "is_alive() { p=; [ -e $1/hold/pid ] && read -r p < $1/hold/pid && [ -n \"$p\" ] && "
    "case $(readlink /proc/$p/exe) in */worker*) true ;; *) false ;; esac; }; ";
// A hundredth of a second more of n. A sleep that takes no fractions waits a whole one.
constexpr const char* kPause = "pause() { n=$((n+1)); sleep 0.01 2>/dev/null || { sleep 1; n=$((n+99)); }; }; ";

// A run's directory that is being removed: no script that is late finds it under its own name.
constexpr const char* kGone = ".gone";

// Takes blocks behind lines with their sizes, and 0 at the end. A file that did not come whole never has its name.
std::string receiving(const std::string& path) {
  return "while IFS= read -r n && [ \"$n\" -gt 0 ]; do "
         "dd bs=\"$n\" count=1 iflag=fullblock status=none || exit " +
         std::to_string(kUploadFailed) + "; done > " + path + ".part && [ \"$n\" = 0 ] && mv " + path + ".part " +
         path + " || exit " + std::to_string(kUploadFailed) + "\n";
}

class Download : public sdk::ByteSource {
 public:
  // Borrows the shell, which does nothing else meanwhile.
  Download(RemoteShell& shell, const Config& config, const std::string& path, uint64_t offset)
      : shell_(shell), config_(config) {
    shell_.send_file(path, offset);
  }

  std::optional<std::string> read(sdk::Milliseconds wait) override {
    auto bytes = shell_.file_bytes(wait);
    if (bytes) heard_ = steady_clock::now();
    if (!bytes && steady_clock::now() - heard_ > config_.stall)
      throw plugin::Failure(OSIRIS_UNAVAILABLE, config_.host + " sends nothing more of a file");
    return bytes;
  }

 private:
  RemoteShell& shell_;
  const Config& config_;
  steady_clock::time_point heard_ = steady_clock::now();
};

}  // namespace

bool is_plain_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
          c == '_'))
      return false;
  return true;
}

std::string FarSide::where() const { return "umask 077; cd && cd " + config_.directory + " 2>/dev/null || exit 0; "; }

void FarSide::enter(const std::string& name, const plugin::Request& request, const std::string& owner,
                    const sdk::Waker& waker) {
  const std::string run = "runs/" + name;
  const std::string worker = sdk::WorkerRun::worker_place(".", request);
  connection_.open(is_cancelled_);
  RemoteShell& shell = this->shell();
  // A login may take long, and the run may be over by then: a script that is not heard makes no directory, or removes
  // it.
  shell.send("trap '' PIPE; echo || exit; umask 077; cd && cd -P . && home=$PWD && mkdir -p " + config_.directory +
             "/" + run + " && cd -P " + config_.directory + " && echo " + owner + " > " + run +
             "/owner && { echo \"osiris: entered $home $PWD $(uname -sm)\" || { rm -rf " + run +
             "; exit 1; }; } && if [ -x " + worker + " ]; then echo \"osiris: worker\"; fi");
  if (connection_.is_shared()) open_session(waker);
  const std::string output = shell.answer(kCommand + config_.connect_timeout, is_cancelled_);
  if (!session_) open_session(waker);
  for (const auto& words : marked_lines(output)) {
    if (words[0] == "worker") has_worker_ = true;
    if (words[0] != "entered") continue;
    home_ = words[1];
    root_ = words[2];
    if (words[3] != "Linux" || words[4] != "x86_64")
      throw plugin::Failure(
          OSIRIS_UNSUPPORTED,
          connection_.name() + " is " + words[3] + " " + words[4] + "; the worker runs on Linux x86_64",
          "Name another machine with --ssh-host.");
  }
  if (root_.empty())
    throw plugin::Failure(OSIRIS_UNAVAILABLE, connection_.name() + " ran a command and did not say what came of it",
                          "Does its login shell start other programs?");
}

RemoteShell& FarSide::shell() {
  if (!shell_ || !shell_->is_free()) shell_.emplace(connection_);
  return *shell_;
}

// The lines say what for: it can be opened before that is known. The worker's script becomes the worker.
void FarSide::open_session(const sdk::Waker& waker) {
  heard_ = {};
  session_ = std::make_shared<sdk::ProcessChannel>(
      connection_.command("umask 077; while IFS= read -r l; do eval \"$l\"; done"), waker);
}

std::unique_ptr<sdk::ByteChannel> FarSide::start(const std::string& script, const std::string& run_directory,
                                                 const plugin::Request& request, const sdk::Waker& waker) {
  return std::make_unique<WorkerChannel>(
      connection_, session_,
      WorkerChannel::Held{script, sdk::WorkerRun::worker_place(root_, request), run_directory + "/hold", config_.stall},
      std::exchange(heard_, {}), waker);
}

void FarSide::upload(const std::string& path, const std::function<void(const Sink&)>& write) {
  session_->send(receiving(path));
  std::string block;
  const auto send_block = [&] {
    if (block.empty()) return;
    session_->send(std::to_string(block.size()) + "\n");
    session_->send(std::exchange(block, {}));
    await_room(path);
  };
  write([&](std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t taken = std::min(bytes.size(), kBlock - block.size());
      block.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (block.size() == kBlock) send_block();
    }
    return true;
  });
  send_block();
  session_->send("0\n");
}

void FarSide::await_room(const std::string& path) {
  auto moved = steady_clock::now();
  for (size_t left = session_->unsent(); left > kUnsentMax;) {
    if (is_cancelled_()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    const sdk::Received received = session_->receive(heard_.output, heard_.log, kMoving);
    if (received.kind == sdk::Received::Kind::kClosed) {
      const bool exited = received.exit.kind == sdk::Exit::Kind::kExited;
      throw connection_.failure({!exited, received.exit.status}, heard_.log, "write " + path);
    }
    if (session_->unsent() < left) moved = steady_clock::now();
    left = session_->unsent();
    if (steady_clock::now() - moved > config_.stall)
      throw plugin::Failure(OSIRIS_UNAVAILABLE, connection_.name() + " takes no more of " + path);
  }
}

std::unique_ptr<sdk::ByteSource> FarSide::download(const std::string& path, uint64_t offset) {
  return std::make_unique<Download>(shell(), config_, path, offset);
}

void FarSide::remove_run(const std::string& run, sdk::Milliseconds budget) {
  // Renamed first: what would still be started for the run finds no directory of its name. A worker that was being
  // started has a directory and no pid yet.
  const std::string script =
      where() + kIsAlive + kPause + "r=runs/" + run + "; g=$r" + kGone +
      "; if [ -e $r ]; then mv $r $g || exit; fi; n=0; "
      "while [ -e $g/hold ] && [ ! -e $g/hold/pid ] && [ ! -e $g/hold/ended ] && [ $n -lt 200 ]; do pause; done; n=0; "
      "while is_alive $g; do if [ $n -eq 0 ]; then kill $p; fi; if [ $n -ge 300 ]; then kill -9 $p; fi; "
      "if [ $n -ge 800 ]; then exit 4; fi; pause; done; n=0; "
      "while [ -e $g/hold/socket ] && [ $n -lt 200 ]; do pause; done; rm -rf $g; [ ! -e $r ] && [ ! -e $g ]";
  const auto until = steady_clock::now() + budget;
  for (;;) {
    try {
      shell().run(script, kCommand + config_.connect_timeout, {});
      break;
    } catch (const plugin::Failure& failure) {
      shell_.reset();
      if (failure.code() != OSIRIS_UNAVAILABLE || steady_clock::now() >= until) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  session_.reset();
}

void FarSide::remove_worker(const std::string& file) {
  connection_.run(where() + "rm -f " + file + "; [ ! -e " + file + " ]", kCommand, is_cancelled_);
}

Listing FarSide::list() {
  const std::string output =
      connection_.run(where() + kIsAlive +
                          "for r in runs/*; do [ -e $r/owner ] || continue; a=dead; if is_alive $r; then a=alive; fi; "
                          "o=; read -r o < $r/owner; r=${r#runs/}; echo \"osiris: run ${r%" +
                          kGone +
                          "} $o $a\"; done; "
                          "for w in worker-*; do [ -f $w ] || continue; echo \"osiris: file $w\"; done",
                      kCommand, is_cancelled_);
  Listing listing;
  for (const auto& words : marked_lines(output)) {
    if (!is_plain_name(words[1])) continue;
    if (words[0] == "run") listing.runs.push_back({words[1], words[2], words[3] == "alive"});
    if (words[0] == "file") listing.workers.push_back(words[1]);
  }
  return listing;
}

}  // namespace ssh_adapter
