#include "far_side.h"

#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

#include "worker_channel.h"

namespace ssh_adapter {
namespace {

using std::chrono::steady_clock;

constexpr sdk::Milliseconds kCommand{30'000};
// Before what a script has to say: a login shell may talk, too.
constexpr std::string_view kMark = "osiris: ";

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
  Download(const Connection& connection, const std::string& script)
      : connection_(connection), child_(connection.command(script)) {}

  std::optional<std::string> read(sdk::Milliseconds wait) override {
    auto bytes = child_.read(wait);
    if (!bytes || !bytes->empty()) return bytes;
    const auto ending = child_.wait(sdk::Milliseconds(5'000));
    if (!ending || !ending->success())
      throw connection_.failure(ending.value_or(sdk::Ending{false, 255}), child_.errors(), "fetch a file");
    return bytes;
  }

 private:
  const Connection& connection_;
  sdk::Child child_;
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

void FarSide::enter(const std::string& name, const plugin::Request& request, const std::string& owner) {
  const std::string run = "runs/" + name;
  const std::string worker = sdk::WorkerRun::worker_place(".", request);
  connection_.open(is_cancelled_);
  const std::string output =
      connection_.run("umask 077; cd && home=$(pwd -P) && mkdir -p " + config_.directory + "/" + run + " && cd " +
                          config_.directory + " && echo " + owner + " > " + run +
                          "/owner && echo \"osiris: entered $home $(pwd -P) $(uname -sm | tr \" \" "
                          "-)\" && if [ -x " +
                          worker + " ]; then echo \"osiris: worker\"; fi",
                      kCommand, is_cancelled_);
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

std::unique_ptr<sdk::ByteChannel> FarSide::start(const std::string& script, const std::string& run_directory,
                                                 const plugin::Request& request, const sdk::Waker& waker) {
  return std::make_unique<WorkerChannel>(
      connection_,
      WorkerChannel::Held{script, sdk::WorkerRun::worker_place(root_, request), run_directory + "/hold", config_.stall},
      waker);
}

void FarSide::upload(const std::string& path, const std::function<void(const Sink&)>& write) {
  sdk::Child child(connection_.command("umask 077; cat > " + path + ".part && mv " + path + ".part " + path));
  bool takes = true;
  write([&](std::string_view bytes) {
    try {
      child.write(bytes, is_cancelled_);
    } catch (const plugin::Failure& failure) {
      if (failure.code() == OSIRIS_CANCELLED) throw;
      takes = false;  // its end says why
    }
    return takes;
  });
  child.close_input();
  const auto until = steady_clock::now() + kCommand;
  std::optional<sdk::Ending> ending;
  while (!(ending = child.wait(sdk::Milliseconds(200)))) {
    if (is_cancelled_()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    if (steady_clock::now() > until) ending = sdk::Ending{false, 255};
    if (ending) break;
  }
  if (!takes || !ending->success()) throw connection_.failure(*ending, child.errors(), "write " + path);
}

std::unique_ptr<sdk::ByteSource> FarSide::download(const std::string& path, uint64_t offset) {
  return std::make_unique<Download>(connection_, "tail -c +" + std::to_string(offset + 1) + " " + path);
}

void FarSide::remove_run(const std::string& run, sdk::Milliseconds budget) {
  const std::string script =
      where() + kIsAlive + "r=runs/" + run +
      "; n=0; while is_alive $r; do if [ $n -eq 0 ]; then kill $p; fi; if [ $n -eq 30 ]; then kill -9 $p; fi; "
      "if [ $n -gt 80 ]; then exit 4; fi; n=$((n+1)); sleep 0.1; done; "
      "n=0; while [ -e $r/hold/socket ] && [ $n -lt 20 ]; do n=$((n+1)); sleep 0.1; done; rm -rf $r; [ ! -e $r ]";
  const auto until = steady_clock::now() + budget;
  for (;;) {
    try {
      connection_.run(script, kCommand, {});
      return;
    } catch (const plugin::Failure& failure) {
      if (failure.code() != OSIRIS_UNAVAILABLE || steady_clock::now() >= until) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
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
