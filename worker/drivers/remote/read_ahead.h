// Ranges of objects that are fetched before they are asked for, several at a time: a request to an object store takes
// much longer than what it brings, and a reader of Parquet asks for one column of one group of rows after the other.
// What it has asked for of one group it will ask for of the next, in this file or the one after it; so far ahead as it
// has kept to that.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "worker/drivers/remote/store.h"

namespace osiris::worker::remote {

// Bytes that are read as one: a column of a group of rows.
struct Piece {
  uint64_t at = 0;
  uint64_t size = 0;
  friend bool operator==(const Piece&, const Piece&) = default;
};
// Those of a file, which do not overlap.
struct FileLayout {
  std::vector<std::string> columns;        // what each is called, in the order of their bytes
  std::vector<std::vector<Piece>> groups;  // of rows: one piece for each of `columns`
};

class ReadAhead {
 public:
  // `store` asks for nothing else: it is stopped at the end.
  explicit ReadAhead(std::shared_ptr<Store> store) : store_(std::move(store)) {}
  // Ends what is under way.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Before the first take(), in the order in which the files are read. `end`: what begins there or behind is not
  // fetched. Returns the file's place.
  size_t add(Object object, FileLayout layout, uint64_t end);

  // Whether `buffer` has the bytes now, because they were fetched ahead; it may have to wait for them. Otherwise the
  // caller reads them. A fetch that has failed was tried as often as a read is, and its error is the caller's.
  // [any thread]
  Result<bool> take(size_t file, uint64_t at, char* buffer, size_t size);

 private:
  struct File {
    Object object;
    FileLayout layout;
    uint64_t end = 0;
    size_t first_group = 0;  // among groups of all files
  };
  // Columns first to last of a group, in one range, and what of them was fetched.
  struct Habit {
    size_t window = 2;  // groups ahead of the one that is read
    size_t next = 0;    // group to be fetched, among all
  };
  using Columns = std::pair<size_t, size_t>;
  struct Fetch {
    enum class State { kWaiting, kRunning, kDone, kFailed };
    size_t file = 0, group = 0;
    Columns columns;
    Piece piece;
    State state = State::kWaiting;
    Status failure;  // of the store; ok: there is none, or nothing has asked it
    std::string bytes;
  };
  using Place = std::pair<size_t, uint64_t>;  // file, offset

  // With the lock.
  std::pair<size_t, size_t> find(size_t file, uint64_t at) const;
  void fetch_ahead(size_t group, Columns columns, Habit& habit);
  void forget_before(size_t group, Columns columns, Habit& habit);
  const File& file_of(size_t group) const;
  void work();

  const std::shared_ptr<Store> store_;
  std::vector<File> files_;
  std::vector<size_t> files_of_groups_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Columns, Habit> habits_;
  std::map<Place, std::shared_ptr<Fetch>> fetches_;
  std::deque<std::shared_ptr<Fetch>> waiting_;
  uint64_t held_bytes_ = 0;  // of fetches_
  size_t idle_ = 0;          // threads
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace osiris::worker::remote
