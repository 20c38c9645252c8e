#include "plugins/sdk/channel/worker_relay.h"

#include <charconv>
#include <utility>

#include "protocol/base/json.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"
#include "protocol/rpc/frames.h"

namespace osiris::sdk {
namespace {

// A record at most, with what the relay puts before it.
constexpr size_t kLineBytesMax = rpc::kMessageBytesMax + 64;
constexpr size_t kResultTextMax = WorkerRelay::kResultBytesMax / 3 * 4 + 8;

ExitInfo exit_from(const Json& how) {
  ExitInfo exit;
  if (how.contains("error")) {
    exit.error = Error(Code::kUnavailable, "the worker could not be started: " + how["error"].as_string(),
                       "Is the machine's disk full?");
    exit.error_class = failure_class_name(FailureClass::kWorkerCrash);
    return exit;
  }
  const bool was_signaled = how.contains("signal");
  exit.kind = was_signaled ? ExitInfo::Kind::kSignaled : ExitInfo::Kind::kExited;
  exit.status = static_cast<int>(how[was_signaled ? "signal" : "exit"].as_int());
  return exit;
}

// The id of the last request of an opening, which asks for the package of what the run made.
std::string last_request(std::string_view opening) {
  if (opening.ends_with('\n')) opening.remove_suffix(1);
  const size_t end = opening.rfind('\n');
  const auto request = parse_json(end == std::string_view::npos ? opening : opening.substr(end + 1));
  return request ? (*request)["id"].as_string() : std::string();
}

// In one piece of the final size: what it holds is secret.
std::string message(const Json& header, std::string_view package, std::string& input) {
  const std::string line = header.dump() + "\n";
  std::string bytes;
  bytes.reserve(line.size() + package.size() + input.size());
  bytes.append(line).append(package).append(input);
  wipe(input);
  return bytes;
}

}  // namespace

WorkerRelay::WorkerRelay(const Service& service, RemoteProcesses& processes, const Waker& waker, ChannelContext context,
                         std::function<std::unique_ptr<ByteStream>(const std::string& path)> open_file)
    : open_file_(std::move(open_file)), stream_(service, processes, waker, [&] {
        context.open_records = [this] { return open_file_(records_path_); };
        return std::move(context);
      }()) {}

std::unique_ptr<RelayedChannel> WorkerRelay::next(RelayedRun run) {
  const std::lock_guard lock(mutex_);
  heard_[++last_].dropped = std::move(run.dropped);
  return std::make_unique<RelayedChannel>(*this, last_, std::move(run));
}

void WorkerRelay::forget(uint64_t run) {
  const std::lock_guard lock(mutex_);
  heard_.erase(run);
}

// Of a run that was never handed over.
void WorkerRelay::end(uint64_t run) {
  const std::lock_guard lock(mutex_);
  heard_[run].exit = ExitInfo();
}

std::optional<std::string> WorkerRelay::take_result(uint64_t run) {
  const std::lock_guard lock(mutex_);
  return std::exchange(heard_[run].result, std::nullopt);
}

ReceiveOutcome WorkerRelay::receive(uint64_t run, Incoming& into, int64_t timeout_ms) {
  using Kind = ReceiveOutcome::Kind;
  const auto take = [&]() -> std::optional<ReceiveOutcome> {
    const std::lock_guard lock(mutex_);
    Heard& heard = heard_[run];
    if (std::exchange(heard.missed, false))
      return ReceiveOutcome{
          Kind::kBroken, Error(Code::kUnavailable, "the stream broke while the run before was listened to"), {}};
    if (!heard.output.empty()) {
      into.output += std::exchange(heard.output, std::string());
      return ReceiveOutcome{Kind::kBytes, {}, {}};
    }
    if (heard.exit) return ReceiveOutcome{Kind::kClosed, {}, heard.exit};
    return std::nullopt;
  };
  if (auto known = take()) return *std::move(known);
  Incoming came;
  ReceiveOutcome outcome = stream_.receive(came, timeout_ms);
  split(came.output);
  into.log += came.log;
  if (outcome.kind != Kind::kBytes) return outcome;
  if (auto known = take()) return *std::move(known);
  return into.log.empty() ? ReceiveOutcome{Kind::kTimeout, {}, {}} : outcome;
}

// What came while the stream was broken is lost, a part of a line perhaps: the run loops ask again for what they lack.
Status WorkerRelay::reopen(uint64_t run) {
  OSIRIS_TRY(stream_.reopen());
  const std::lock_guard lock(mutex_);
  line_.clear();
  skips_line_ = true;
  for (auto& [number, heard] : heard_) heard.missed |= number > run;
  return {};
}

void WorkerRelay::split(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
    if (std::exchange(skips_line_, false)) continue;
    line_.append(bytes.substr(0, end));
    take_line(line_);
    line_.clear();
  }
  if (!skips_line_) line_.append(bytes);
  if (line_.size() <= kLineBytesMax) return;
  line_.clear();
  skips_line_ = true;
}

// "3 {...}": a record of run 3; "3 =...": what it packed; "3 !{...}": how its worker ended; "3 -": it was given up.
// Anything else is none of the relay's.
void WorkerRelay::take_line(std::string_view line) {
  uint64_t run = 0;
  const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), run);
  if (wrong != std::errc() || end == line.data() + line.size() || *end != ' ') return;
  const auto found = heard_.find(run);
  if (found == heard_.end()) return;
  Heard& heard = found->second;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  if (line.starts_with('=')) {
    if (line.size() <= kResultTextMax) heard.result = base64_decode(line.substr(1));
  } else if (line == "-") {
    heard.exit = ExitInfo();
    if (heard.dropped) heard.dropped();
  } else if (line.starts_with('!')) {
    if (const auto how = parse_json(line.substr(1))) heard.exit = exit_from(*how);
  } else {
    heard.output.append(line).append("\n");
  }
}

Status RelayedChannel::send(std::string bytes) {
  Json header = Json::object({{"run", number_}, {"input", uint64_t{bytes.size()}}});
  if (!std::exchange(handed_over_, true)) {
    header.set("directory", run_.directory);
    header.set("answer", last_request(bytes));
    header.set("result", run_.result_path);
    header.set("result_max", WorkerRelay::kResultBytesMax);
    Json drivers = Json::array();
    for (const std::string& driver : run_.drivers) drivers.push_back(driver);
    header.set("drivers", std::move(drivers));
    if (!run_.package.empty()) {
      header.set("package", uint64_t{run_.package.size()});
      header.set("package_path", run_.package_path);
    }
  }
  return relay_.stream_.send(message(header, std::exchange(run_.package, std::string()), bytes));
}

void RelayedChannel::kill() {
  if (!handed_over_) return relay_.end(number_);
  const Json header = Json::object({{"run", number_}, {"kill", true}});
  static_cast<void>(relay_.stream_.send(header.dump() + "\n"));
}

void RelayedChannel::drop() {
  const Json header = Json::object({{"run", number_}, {"drop", true}});
  static_cast<void>(relay_.stream_.send(header.dump() + "\n"));
}

Result<std::string> RelayedChannel::fetch_records(uint64_t from_seq) {
  relay_.records_path_ = run_.records_path;
  return relay_.stream_.fetch_records(from_seq);
}

}  // namespace osiris::sdk
