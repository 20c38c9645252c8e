#include "worker_channel.h"

#include <system_error>
#include <utility>

namespace ssh_adapter {
namespace {

constexpr int kConnectionLost = 255;  // the client's own failure
constexpr int kNotHeld = 3;
constexpr int kUnpackLast = 126;  // from 121 on: the program that unpacks the worker
constexpr size_t kSaidMax = 4096;
constexpr sdk::Milliseconds kAnswer{4'000};

}  // namespace

WorkerChannel::WorkerChannel(const Connection& connection, std::shared_ptr<sdk::ProcessChannel> session, Held held,
                             Heard heard, const sdk::Waker& waker)
    : connection_(connection),
      held_(std::move(held)),
      waker_(waker),
      channel_(std::move(session)),
      heard_(std::move(heard)) {
  const std::string seconds = std::to_string((held_.lease.count() + 999) / 1000);
  // What comes behind this line is the worker's, and never for the shell to run.
  channel_->send(held_.script + " --hold " + held_.directory + " --lease " + seconds + " || exit\n");
  try {
    renewing_ = std::thread([this] { keep_renewing(); });
  } catch (const std::system_error&) {
    throw plugin::Failure(OSIRIS_EXHAUSTED, "the worker cannot be held: this machine has no more threads",
                          "Raise the limit of processes (`ulimit -u`).");
  }
}

WorkerChannel::~WorkerChannel() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  renewing_.join();
}

int WorkerChannel::renew() const {
  const sdk::Output done = sdk::run_program(connection_.command(asked("--renew")), {}, kAnswer, {});
  if (!done.ending.signaled && (done.ending.value == 0 || done.ending.value == kNotHeld)) return done.ending.value;
  throw connection_.failure(done.ending, done.errors, "reach the worker");
}

// Three times a lease. What goes wrong shows when the stream breaks.
void WorkerChannel::keep_renewing() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_.wait_for(lock, held_.lease / 3, [this] { return stopped_; })) {
    lock.unlock();
    try {
      renew();
    } catch (const plugin::Failure&) {
    }
    lock.lock();
  }
}

sdk::Received WorkerChannel::receive(std::string& output, std::string& log, sdk::Milliseconds wait) {
  const size_t before = log.size();
  output += std::exchange(heard_.output, {});
  log += std::exchange(heard_.log, {});
  const size_t heard = output.size();
  sdk::Received received = channel_->receive(output, log, wait);
  said_.append(log, before, std::string::npos);
  if (said_.size() > kSaidMax) said_.erase(0, said_.size() - kSaidMax);
  was_heard_ = was_heard_ || output.size() > heard;
  if (received.kind != sdk::Received::Kind::kClosed || received.exit.kind != sdk::Exit::Kind::kExited) return received;
  const int status = received.exit.status;
  if (!was_heard_ && status >= kUploadFailed && status <= kUnpackLast) {
    received.exit.kind = sdk::Exit::Kind::kLost;
    received.exit.failure = connection_.failure(
        {false, status}, said_, status == kUploadFailed ? "write the run's files" : "unpack the worker");
  } else if (status == kConnectionLost) {
    const plugin::Failure why = connection_.failure({false, status}, said_, "hear the worker");
    if (was_heard_) {
      is_broken_ = true;
      received.kind = sdk::Received::Kind::kBroken;
      received.reason = why.message();
    } else {
      received.exit.kind = sdk::Exit::Kind::kLost;
      received.exit.failure = why;
    }
  } else if (status > 128) {  // a signal, as the holder counts it
    received.exit.kind = sdk::Exit::Kind::kSignaled;
    received.exit.status = status - 128;
  }
  return received;
}

// The holder gives the worker 2 s, then ends its whole session; the client here then ends as it did.
void WorkerChannel::kill() {
  try {
    const sdk::Output done =
        sdk::run_program(connection_.command("kill $(cat " + held_.directory + "/pid)"), {}, kAnswer, {});
    if (!done.ending.success() && !was_heard_) channel_->kill();  // it has not been started
  } catch (const plugin::Failure&) {                              // its lease ends it
    channel_->kill();
  }
}

sdk::Health WorkerChannel::health() {
  if (!is_broken_) return channel_->health();
  sdk::Health health;
  health.kind = sdk::Health::Kind::kUnreachable;
  health.note = "the connection to " + connection_.name() + " is down";
  return health;
}

bool WorkerChannel::reopen() {
  try {
    renew();  // of one that is not held any more the client below says how it ended
  } catch (const plugin::Failure& failure) {
    if (failure.code() == OSIRIS_UNAVAILABLE || failure.code() == OSIRIS_DEADLINE) return false;
    throw;
  }
  channel_ = std::make_shared<sdk::ProcessChannel>(connection_.command("exec " + asked("--attach")), waker_);
  is_broken_ = false;
  said_.clear();
  return true;
}

}  // namespace ssh_adapter
