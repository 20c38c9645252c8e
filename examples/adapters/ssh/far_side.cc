#include "far_side.h"

#include <chrono>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>

#include "worker_channel.h"

namespace ssh_adapter {
namespace {

using std::chrono::steady_clock;

constexpr sdk::Milliseconds kCommand{30'000};

std::vector<std::vector<std::string>> marked_lines(const std::string& output) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    if (line.compare(0, kMark.size(), kMark) != 0) continue;
    std::istringstream words(line.substr(kMark.size()));
    lines.emplace_back();
    for (std::string word; words >> word;) lines.back().push_back(word);
    lines.back().resize(4);
  }
  return lines;
}

// Whether the process of a holder's pid file runs a worker of ours: pids are used again. And whether its holder is
// done.
constexpr const char* kIsAlive =
    "is_alive() { p=$(cat \"$1/hold/pid\" 2>/dev/null) && [ -n \"$p\" ] && "
    "case $(readlink \"/proc/$p/exe\") in */worker*) true ;; *) false ;; esac; }; ";

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
  shell.send("umask 077; cd && home=$(pwd -P) && mkdir -p " + config_.directory + "/" + run + " && cd " +
             config_.directory + " && echo " + owner + " > " + run +
             "/owner && echo \"osiris: entered $home $(pwd -P) $(uname -sm | tr \" \" "
             "-)\" && if [ -x " +
             worker + " ]; then echo \"osiris: worker\"; fi");
  if (connection_.is_shared()) open_sessions(waker);
  const std::string output = shell.answer(kCommand + config_.connect_timeout, is_cancelled_);
  if (!session_) open_sessions(waker);
  for (const auto& words : marked_lines(output)) {
    if (words[0] == "worker") has_worker_ = true;
    if (words[0] != "entered") continue;
    home_ = words[1];
    root_ = words[2];
    if (words[3] != "Linux-x86_64")
      throw plugin::Failure(OSIRIS_UNSUPPORTED,
                            connection_.name() + " is " + words[3] + "; the worker runs on Linux-x86_64",
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

sdk::Child FarSide::upload_session() {
  return sdk::Child(connection_.command("umask 077; IFS= read -r p && cat > \"$p.part\" && mv \"$p.part\" \"$p\""));
}

// Their first lines say what for: they can be opened before that is known.
void FarSide::open_sessions(const sdk::Waker& waker) {
  first_upload_.emplace(upload_session());
  session_ =
      std::make_shared<sdk::ProcessChannel>(connection_.command("umask 077; IFS= read -r l && eval \"$l\""), waker);
}

std::unique_ptr<sdk::ByteChannel> FarSide::start(const std::string& script, const std::string& run_directory,
                                                 const plugin::Request& request, const sdk::Waker& waker) {
  std::string line;
  for (const std::string& path : uploaded_)  // a run that was removed is waited for no longer
    line += "until [ -e " + path + " ]; do [ -e " + run_directory + " ] || exit 1; sleep 0.01 || sleep 1; done; ";
  return std::make_unique<WorkerChannel>(
      connection_, session_,
      WorkerChannel::Held{line + script, sdk::WorkerRun::worker_place(root_, request), run_directory + "/hold",
                          config_.stall, [this] { return have_arrived(); }},
      waker);
}

void FarSide::upload(const std::string& path, const std::function<void(const Sink&)>& write) {
  sdk::Child child = first_upload_ ? std::move(*first_upload_) : upload_session();
  first_upload_.reset();
  bool takes = true;
  const auto feed = [&](std::string_view bytes) {
    try {
      child.write(bytes, is_cancelled_);
    } catch (const plugin::Failure& failure) {
      if (failure.code() == OSIRIS_CANCELLED) throw;
      takes = false;  // its end says why
    }
    return takes;
  };
  feed(path + "\n");
  write(feed);
  child.close_input();
  uploaded_.push_back(path);
  uploads_.push_back({path, std::move(child)});
  const auto until = steady_clock::now() + kCommand;
  while (!takes && !have_arrived()) {
    if (is_cancelled_()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    if (steady_clock::now() > until)
      throw plugin::Failure(OSIRIS_UNAVAILABLE, connection_.name() + " takes no more of " + path);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

bool FarSide::have_arrived() {
  for (auto each = uploads_.begin(); each != uploads_.end();) {
    const auto ending = each->child.wait(sdk::Milliseconds(0));
    if (ending && !ending->success()) throw connection_.failure(*ending, each->child.errors(), "write " + each->path);
    each = ending ? uploads_.erase(each) : std::next(each);
  }
  return uploads_.empty();
}

std::unique_ptr<sdk::ByteSource> FarSide::download(const std::string& path, uint64_t offset) {
  return std::make_unique<Download>(shell(), config_, path, offset);
}

void FarSide::remove_run(const std::string& run, sdk::Milliseconds budget) {
  const std::string script =
      where() + kIsAlive + "r=runs/" + run +
      "; n=0; while is_alive $r; do if [ $n -eq 0 ]; then kill $p; fi; if [ $n -eq 150 ]; then kill -9 $p; fi; "
      "if [ $n -gt 400 ]; then exit 4; fi; n=$((n+1)); sleep 0.02; done; "
      "n=0; while [ -e $r/hold/socket ] && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.02; done; rm -rf $r; [ ! -e $r ]";
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
  uploads_.clear();
  uploaded_.clear();
  first_upload_.reset();
  session_.reset();
}

void FarSide::remove_worker(const std::string& file) {
  connection_.run(where() + "rm -f " + file + "; [ ! -e " + file + " ]", kCommand, is_cancelled_);
}

Listing FarSide::list() {
  const std::string output =
      connection_.run(where() + kIsAlive +
                          "for r in runs/*; do [ -e $r/owner ] || continue; a=dead; if is_alive $r; then a=alive; fi; "
                          "echo \"osiris: run ${r#runs/} $(cat $r/owner) $a\"; done; "
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
