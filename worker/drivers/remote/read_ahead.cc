#include "worker/drivers/remote/read_ahead.h"
#include "protocol/base/thread.h"

#include <algorithm>
#include <cstring>

namespace osiris::worker::remote {
namespace {

constexpr size_t kThreadsMax = 16;
constexpr size_t kWindowMin = 2, kWindowMax = 16;
constexpr uint64_t kHeldBytesMax = uint64_t{32} << 20;
// Threads of the engine read a few groups side by side. What is fetched of a group further back is not wanted.
constexpr size_t kGroupsBehind = 8;
constexpr size_t kNone = SIZE_MAX;

}  // namespace

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  store_->stop();
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

size_t ReadAhead::add(Object object, FileLayout layout, uint64_t end) {
  const size_t place = files_.size();
  const size_t first_group = files_of_groups_.size();
  files_of_groups_.resize(first_group + layout.groups.size(), place);
  files_.push_back({std::move(object), std::move(layout), end, first_group});
  return place;
}

const ReadAhead::File& ReadAhead::file_of(size_t group) const { return files_[files_of_groups_[group]]; }

// The group of the file and the column that begin there; kNone: none does.
std::pair<size_t, size_t> ReadAhead::find(size_t file, uint64_t at) const {
  const auto& groups = files_[file].layout.groups;
  for (size_t group = 0; group < groups.size(); ++group) {
    const auto& pieces = groups[group];
    if (pieces.empty() || at < pieces.front().at || at > pieces.back().at) continue;
    const auto piece = std::find_if(pieces.begin(), pieces.end(), [&](const Piece& one) { return one.at == at; });
    if (piece != pieces.end()) return {group, static_cast<size_t>(piece - pieces.begin())};
  }
  return {kNone, kNone};
}

Result<bool> ReadAhead::take(size_t file, uint64_t at, char* buffer, size_t size) {
  std::unique_lock lock(mutex_);
  const auto [group, first] = find(file, at);
  if (group == kNone) return false;
  const std::vector<Piece>& pieces = files_[file].layout.groups[group];
  size_t last = first;
  while (last + 1 < pieces.size() && pieces[last + 1].at + pieces[last + 1].size <= at + size) ++last;
  if (pieces[last].at + pieces[last].size > at + size) return false;  // a part of a column
  const Columns columns{first, last};
  Habit& habit = habits_[columns];
  const size_t among_all = files_[file].first_group + group;
  forget_before(among_all, columns, habit);

  const auto known = fetches_.find(Place{file, at});
  std::shared_ptr<Fetch> fetch = known == fetches_.end() ? nullptr : known->second;
  if (fetch && fetch->piece.size < size) fetch = nullptr;  // the engine reads on to what it has already
  if (fetch) habit.window = std::min(habit.window * 2, kWindowMax);
  fetch_ahead(among_all, columns, habit);
  if (!fetch) return false;
  if (fetch->state == Fetch::State::kWaiting) {
    std::erase(waiting_, fetch);
    fetch->state = Fetch::State::kFailed;
  }
  changed_.wait(lock, [&] { return fetch->state >= Fetch::State::kDone || stopping_; });
  if (fetches_.erase(Place{file, at}) > 0) held_bytes_ -= fetch->piece.size;
  OSIRIS_TRY(fetch->failure);
  if (fetch->state != Fetch::State::kDone) return false;
  lock.unlock();
  std::memcpy(buffer, fetch->bytes.data(), size);
  return true;
}

// The reader has left groups out, as the statistics of a file let it: what was fetched of them was for nothing.
void ReadAhead::forget_before(size_t group, Columns columns, Habit& habit) {
  bool is_left_out = group > habit.next + kGroupsBehind;
  for (auto known = fetches_.begin(); known != fetches_.end();) {
    const Fetch& fetch = *known->second;
    if (fetch.columns != columns || fetch.group + kGroupsBehind >= group || fetch.state != Fetch::State::kDone) {
      ++known;
      continue;
    }
    is_left_out = true;
    held_bytes_ -= fetch.piece.size;
    known = fetches_.erase(known);
  }
  if (is_left_out) habit.window = kWindowMin;
}

void ReadAhead::fetch_ahead(size_t group, Columns columns, Habit& habit) {
  habit.next = std::max(habit.next, group + 1);
  const size_t end = std::min(group + 1 + habit.window, files_of_groups_.size());
  for (; habit.next < end && (held_bytes_ < kHeldBytesMax || fetches_.empty()); ++habit.next) {
    const File& file = file_of(habit.next);
    if (file.layout.columns != file_of(group).layout.columns) break;  // other columns are there
    const std::vector<Piece>& pieces = file.layout.groups[habit.next - file.first_group];
    if (pieces[columns.first].at >= file.end) continue;
    auto fetch = std::make_shared<Fetch>();
    fetch->columns = columns;
    fetch->file = files_of_groups_[habit.next];
    fetch->group = habit.next;
    fetch->piece.at = pieces[columns.first].at;
    fetch->piece.size = pieces[columns.second].at + pieces[columns.second].size - fetch->piece.at;
    if (!fetches_.emplace(Place{fetch->file, fetch->piece.at}, fetch).second) continue;
    held_bytes_ += fetch->piece.size;
    waiting_.push_back(fetch);
    if (waiting_.size() <= idle_ || threads_.size() >= kThreadsMax) continue;
    threads_.emplace_back();  // where the machine has no more, the reader takes it out again
    if (!begin_thread(threads_.back(), [this] { work(); })) threads_.pop_back();
  }
  changed_.notify_all();
}

void ReadAhead::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    const std::shared_ptr<Fetch> fetch = std::move(waiting_.front());
    waiting_.pop_front();
    fetch->state = Fetch::State::kRunning;
    lock.unlock();
    bool is_done = false;
    Status read;
    try {
      fetch->bytes.resize(fetch->piece.size);
      read = store_->read(files_[fetch->file].object, fetch->piece.at, fetch->bytes.data(), fetch->bytes.size());
      is_done = read.ok();
    } catch (const std::exception&) {  // no memory: the reader, who needs these bytes, finds out for itself
    }
    lock.lock();
    fetch->failure = std::move(read);
    fetch->state = is_done ? Fetch::State::kDone : Fetch::State::kFailed;
    changed_.notify_all();
  }
}

}  // namespace osiris::worker::remote
