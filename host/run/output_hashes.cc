#include "host/run/output_hashes.h"

#include <fcntl.h>

#include "protocol/base/fd.h"
#include "protocol/base/read_block.h"
#include "protocol/base/thread.h"

namespace osiris {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;
// File systems keep the time of the kernel's last tick: a change this soon after another one may not show. What is read
// in less time is read again, which takes no time either.
constexpr int64_t kTickNs = 20'000'000;

int64_t in_ns(const struct timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         in_ns(a.st_mtim) == in_ns(b.st_mtim) && in_ns(a.st_ctim) == in_ns(b.st_ctim);
}

}  // namespace

OutputHashes::~OutputHashes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OutputHashes::step_completed(std::string_view step_id) {
  const std::lock_guard lock(mutex_);
  for (const PlannedOutput& output : planned_)
    if (output.step_id == step_id) waiting_.push_back(output.target);
  // Where the machine has no more threads, the proof reads them.
  if (!waiting_.empty() && !thread_.joinable() && !begin_thread(thread_, [this] { work(); })) waiting_.clear();
  changed_.notify_all();
}

std::optional<FileDigest> OutputHashes::of(const std::filesystem::path& target, const struct stat& info) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty(); });
  const auto found = read_.find(target);
  return found != read_.end() && is_same(found->second.info, info) ? std::optional(found->second.digest) : std::nullopt;
}

void OutputHashes::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const std::filesystem::path target = waiting_.front();
    lock.unlock();
    auto read = this->read(target);
    lock.lock();
    if (read) read_.insert_or_assign(target, *std::move(read));
    waiting_.pop_front();
    changed_.notify_all();
  }
}

// nullopt where there is no file, or none whose changes would show; the proof then reads it itself.
std::optional<OutputHashes::Read> OutputHashes::read(const std::filesystem::path& target) const {
  const int64_t begun_ns = clock_.monotonic_ns();
  const FileDescriptor file(::open(target.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  Read read;
  if (!file.is_open() || ::fstat(file.get(), &read.info) != 0 || !S_ISREG(read.info.st_mode)) return std::nullopt;
  Sha256 hash;
  ReadBlock block(kBlockBytes);
  for (;;) {
    const int64_t got = read_some(file.get(), block.data(), block.size());
    if (got < 0 || stopping_) return std::nullopt;
    if (got == 0) break;
    hash.update(block.first(static_cast<size_t>(got)));
    read.digest.size_bytes += static_cast<uint64_t>(got);
  }
  read.digest.sha256 = hash.hex();
  struct stat after{};
  if (::fstat(file.get(), &after) != 0 || !is_same(read.info, after)) return std::nullopt;
  return clock_.monotonic_ns() - begun_ns < kTickNs ? std::nullopt : std::optional(read);
}

}  // namespace osiris
