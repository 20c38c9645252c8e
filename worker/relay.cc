#include "worker/relay.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/own_environment.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"
#include "worker/relay_input.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = size_t{256} << 10;

// One run and its worker. The worker is started when the run is handed over, and hears its opening when its turn comes.
struct RelayedRun {
  uint64_t number = 0;
  std::string directory;
  std::string answer;       // to the request with this id: after it the worker has nothing more to do
  std::string result;       // the file that is then told with it,
  uint64_t result_max = 0;  // if it is no larger
  std::optional<Subprocess> worker;
  std::string input;  // for its stdin; secrets
  std::string line;   // of its stdout, begun
  bool is_answered = false;
  std::string told;  // the result, as it was told with the answer

  ~RelayedRun() { wipe(input); }
};

// What is told again of a run that has ended, until the one after the next is handed over.
struct Ended {
  std::string directory, result, end;
};

class Relay {
 public:
  int run();

 private:
  std::optional<int> take_input();
  Status take(const RelayMessage& message);
  Status begin(const RelayMessage& message);
  void drop(uint64_t number);
  void feed(RelayedRun& run);
  void take_output(RelayedRun& run);
  void take_line(RelayedRun& run, std::string_view line, std::string& said);
  std::string result_of(const RelayedRun& run) const;
  void end_front(const ExitStatus& exit);
  void forget_before(uint64_t number);
  void say(const std::string& text);

  RelayInput input_;
  std::deque<std::unique_ptr<RelayedRun>> runs_;  // the first is at work
  std::map<uint64_t, Ended> ended_;
  std::string block_ = std::string(kBlockBytes, '\0');
  bool is_heard_ = true;  // something reads stdout
};

std::string tagged(uint64_t run, std::string_view text) { return std::to_string(run) + " " + std::string(text) + "\n"; }

void Relay::say(const std::string& text) {
  if (!text.empty() && !write_all(1, text)) is_heard_ = false;
}

int Relay::run() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const FileDescriptor told(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  while (is_heard_) {
    RelayedRun* const front = runs_.empty() ? nullptr : runs_.front().get();
    pollfd events[] = {{0, POLLIN, 0},
                       {told.get(), POLLIN, 0},
                       {front ? front->worker->stdout_fd() : -1, POLLIN, 0},
                       {front ? front->worker->pidfd() : -1, POLLIN, 0},
                       {front && !front->input.empty() ? front->worker->stdin_fd() : -1, POLLOUT, 0}};
    if (::poll(events, std::size(events), -1) < 0 && errno != EINTR) return 1;
    if (events[1].revents) return 128 + SIGTERM;
    if (events[4].revents) feed(*front);
    if (events[2].revents) take_output(*front);
    if (events[3].revents)
      if (const auto exit = front->worker->poll_exit()) {
        take_output(*front);
        end_front(*exit);
      }
    if (!events[0].revents) continue;
    if (const auto status = take_input()) return *status;
  }
  return 1;
}

// The status to end with; nullopt: more may come.
std::optional<int> Relay::take_input() {
  const int64_t got = read_some(0, input_.room(), input_.room_size());
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (got <= 0) return 0;
  input_.came(static_cast<size_t>(got));
  for (;;) {
    auto message = input_.next();
    Status taken = message ? Status() : Status(message.error());
    if (taken && !*message) return std::nullopt;
    if (taken) taken = take(**message);
    if (taken) continue;
    std::fprintf(stderr, "osiris-worker: %s\n", taken.error().message.c_str());
    return 2;
  }
}

Status Relay::take(const RelayMessage& message) {
  if (message.header.contains("directory")) {
    const Status begun = begin(message);
    if (!begun) say(tagged(message.run, "!" + Json::object({{"error", begun.error().message}}).dump()));
    return {};
  }
  if (message.header["drop"].as_bool()) {
    drop(message.run);
    return {};
  }
  for (const auto& run : runs_) {
    if (run->number != message.run) continue;
    if (message.header["kill"].as_bool()) {
      run->worker->kill_session();
      return {};
    }
    std::string both;  // without a copy that grows and stays behind
    both.reserve(run->input.size() + message.input.size());
    both.append(run->input).append(message.input);
    wipe(run->input);
    run->input = std::move(both);
    return {};
  }
  // The host has not heard how it ended, and asks.
  if (const auto ended = ended_.find(message.run); ended != ended_.end()) say(ended->second.result + ended->second.end);
  return {};
}

// One that has not begun: another machine runs it. Of one that has, or has ended, nothing is said.
void Relay::drop(uint64_t number) {
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const auto& each) { return each->number == number; });
  if (run == runs_.end() || run == runs_.begin()) return;
  Ended dropped{(*run)->directory, {}, tagged(number, "-")};
  runs_.erase(run);
  say(dropped.end);
  ended_[number] = std::move(dropped);
}

Status Relay::begin(const RelayMessage& message) {
  const Json& header = message.header;
  forget_before(message.run - std::min<uint64_t>(message.run, 1));
  auto run = std::make_unique<RelayedRun>();
  run->number = message.run;
  run->directory = header["directory"].as_string();
  run->answer = header["answer"].as_string();
  run->result = header["result"].as_string();
  run->result_max = header["result_max"].as_uint();
  OSIRIS_TRY(make_directories(run->directory));
  if (!message.package.empty()) OSIRIS_TRY(write_file_atomically(header["package_path"].as_string(), message.package));
  SpawnOptions options;
  options.arguments = {"/proc/self/exe"};
  if (header["drivers"].size() > 0) options.arguments.push_back("--ahead");
  for (const Json& driver : header["drivers"].items()) options.arguments.push_back(driver.as_string());
  options.environment = own_environment();
  options.working_directory = run->directory;
  options.standard_error = SpawnOptions::Stream::kInherit;
  OSIRIS_ASSIGN(Subprocess worker, Subprocess::spawn(options));
  run->worker.emplace(std::move(worker));
  run->input.assign(message.input);
  runs_.push_back(std::move(run));
  return {};
}

// Results of runs that ended before the one before this have been fetched by now.
void Relay::forget_before(uint64_t number) {
  for (auto each = ended_.begin(); each != ended_.end() && each->first < number; each = ended_.erase(each)) {
    std::error_code ignored;
    fs::remove_all(each->second.directory, ignored);
  }
}

void Relay::feed(RelayedRun& run) {
  const ssize_t sent = ::send(run.worker->stdin_fd(), run.input.data(), run.input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (sent < 0) return wipe(run.input);  // it reads no more, and ends
  wipe(run.input.data(), static_cast<size_t>(sent));
  run.input.erase(0, static_cast<size_t>(sent));
}

void Relay::take_output(RelayedRun& run) {
  std::string said;
  for (;;) {
    const int64_t got = read_some(run.worker->stdout_fd(), block_.data(), block_.size());
    if (got <= 0) break;
    std::string_view bytes(block_.data(), static_cast<size_t>(got));
    for (size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      run.line.append(bytes.substr(0, end));
      take_line(run, run.line, said);
      run.line.clear();
    }
    run.line.append(bytes);
    say(std::exchange(said, std::string()));
  }
}

void Relay::take_line(RelayedRun& run, std::string_view line, std::string& said) {
  if (!run.is_answered && !run.answer.empty() && line.find(run.answer) != std::string_view::npos)
    if (const auto record = parse_json(line); record && (*record)["id"].as_string() == run.answer) {
      run.is_answered = true;
      run.told = result_of(run);
      said += run.told;
      // It has no more to do, and what it would tidy up is still asked for where the stream breaks now.
      run.worker->kill_session();
    }
  said += tagged(run.number, line);
}

// Before the answer that names it. Empty: it is to be fetched.
std::string Relay::result_of(const RelayedRun& run) const {
  std::error_code failed;
  const uint64_t size = fs::file_size(run.result, failed);
  if (run.result.empty() || failed || size > run.result_max) return {};
  const auto bytes = read_file(run.result, run.result_max);
  return bytes ? tagged(run.number, "=" + base64(*bytes)) : std::string();
}

void Relay::end_front(const ExitStatus& exit) {
  RelayedRun& run = *runs_.front();
  const Json how = run.is_answered ? Json::object({{"exit", 0}})
                                   : Json::object({{exit.signaled ? "signal" : "exit", int64_t{exit.value}}});
  Ended ended{run.directory, std::move(run.told), tagged(run.number, "!" + how.dump())};
  say(ended.end);
  ended_[run.number] = std::move(ended);
  runs_.pop_front();
}

}  // namespace

int relay() { return Relay().run(); }

}  // namespace osiris::worker
