#include "plugins/sdk/fleet/rows_ahead.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <system_error>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr std::chrono::milliseconds kLookEvery{100};  // for a cancel
// Requests at the same time: what comes while one is under way goes by another, which sends while that one waits for
// its answer.
constexpr size_t kRequestsMax = 3;

}  // namespace

RowsAhead::~RowsAhead() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void RowsAhead::send_to(std::shared_ptr<MachineAccess> machine) {
  {
    const std::lock_guard lock(mutex_);
    machine_ = std::move(machine);
    waiting_ = all_;
    there_.clear();
  }
  changed_.notify_all();
}

void RowsAhead::add(const std::filesystem::path& file) {
  {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    all_.emplace_back(file.string(), directory_ + "/" + std::to_string(all_.size() + 1) + ".parquet");
    waiting_.push_back(all_.back());
    // Where the machine has no more threads, with those that are there; without one nothing goes ahead.
    std::thread another;
    if (threads_.size() < kRequestsMax && begin_thread(another, [this] { work(); }))
      threads_.push_back(std::move(another));
    if (threads_.empty()) is_over_ = true;
  }
  changed_.notify_all();
}

std::map<std::string, std::string> RowsAhead::places_on(const MachineAccess& machine) {
  std::unique_lock lock(mutex_);
  while (machine_.get() == &machine && !is_over_ && (sending_ > 0 || !waiting_.empty())) {
    changed_.wait_for(lock, kLookEvery);
    if (cancelled_) is_over_ = true;
  }
  return machine_.get() == &machine ? there_ : std::map<std::string, std::string>();
}

// With the lock. Of what waits, as much as leaves the same to each other request that may begin now.
std::vector<RowsAhead::Place> RowsAhead::take_share() {
  const size_t idle = threads_.size() - sending_;
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>((waiting_.size() + idle - 1) / idle);
  std::vector<Place> share(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return share;
}

void RowsAhead::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_over_ || (machine_ && !waiting_.empty()); });
    if (is_over_) return;
    const std::shared_ptr<MachineAccess> machine = machine_;
    const std::vector<Place> now = take_share();
    ++sending_;
    lock.unlock();
    std::vector<UploadPart> parts;
    for (const Place& each : now)
      parts.push_back({each.second, [&](const auto& sink) { return read(each.first, sink); }});
    const bool have_arrived = machine->upload(std::move(parts), is_over_, [] {}).ok();
    lock.lock();
    --sending_;
    if (machine == machine_) {
      if (have_arrived)
        there_.insert(now.begin(), now.end());
      else
        machine_.reset();  // one that does not take them is not asked again and again
    }
    changed_.notify_all();
  }
}

Status RowsAhead::read(const std::string& file, const std::function<bool(std::string_view)>& sink) {
  const FileDescriptor from = FileDescriptor::open(file, O_RDONLY);
  if (!from.is_open()) return errno_error(errno, "cannot open", file);
  ReadBlock block(kBlockBytes);
  for (;;) {
    const int64_t got = read_some(from.get(), block.data(), block.size());
    if (got < 0) return errno_error(errno, "cannot read", file);
    if (got == 0) return {};
    if (!sink(block.first(static_cast<size_t>(got)))) return Error(Code::kCancelled, "the upload stopped");
  }
}

}  // namespace osiris::sdk
