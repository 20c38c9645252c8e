// Records on their way out: numbered, hidden of secrets, written to the record log and then to stdout, in one order, in
// batches. The queue is bounded in bytes; a thread that makes records faster than the adapter reads them waits, and
// nothing is ever dropped. Answers that must not wait (pong, cancel, heartbeats) carry no number and pass the bound.
//
// A thread of the stream writes what has gathered for a millisecond. Who answers a request or flushes writes itself
// where that cannot block: handing a few hundred bytes to another thread and waiting for it costs a step more than
// writing them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/fd.h"
#include "protocol/base/redact.h"
#include "worker/records/record_sink.h"

namespace osiris::worker {

inline constexpr size_t kQueueBytesMax = size_t{4} << 20;

class RecordStream : public RecordSink {
 public:
  // `on_failure` is called once, from the writing thread, when a record could not be written: to the log (the run
  // cannot go on) or to stdout (kUnavailable: the adapter no longer reads).
  RecordStream(int fd, const Clock& clock, std::function<void(const Error&)> on_failure,
               size_t queue_bytes_max = kQueueBytesMax);
  ~RecordStream() override;  // writes what is queued
  RecordStream(const RecordStream&) = delete;
  RecordStream& operator=(const RecordStream&) = delete;

  void set_redactor(std::shared_ptr<const Redactor> redactor);
  // From here on every numbered record is kept in this file.
  Status open_log(const std::filesystem::path& path);
  bool has_log() const;

  void emit(rpc::Record record) override;
  // Sends a record without a number; never waits.
  void send(const rpc::Record& record);
  // Sends a record without a number and then the file's bytes in blobs, after which the file is removed.
  void send_with_blobs(const rpc::Record& record, std::filesystem::path file);
  // Answers request `id` and sends all kept records from `from_seq` on once more.
  void replay(const std::string& id, uint64_t from_seq);

  uint64_t last_seq() const;
  size_t queued_bytes() const;
  // Waits until everything queued is written, writing failed, or the time is up.
  void flush(std::chrono::milliseconds limit) override;
  // Lets every waiting emit() go on: the process is about to end and the reader may be gone.
  void abandon();

 private:
  struct Item {
    std::string line;
    bool numbered = false;
    std::filesystem::path blobs;  // empty: none
    bool is_replay = false;
    uint64_t from_seq = 0;
  };
  void push(Item item, std::unique_lock<std::mutex>& lock);
  // Writes what is queued, or where that could block lets the stream's thread write it at once.
  void write_now(std::unique_lock<std::mutex>& lock);
  bool can_write_here() const;
  // Takes the queue and writes it; the lock is not held meanwhile.
  Status write_queue(std::unique_lock<std::mutex>& lock);
  void hurry();
  void write_loop();
  // These run on the thread that writes, without the lock.
  Status write_batch(std::deque<Item>& batch);
  Status write_blobs(const std::filesystem::path& file);
  Status write_replay(const Item& item);
  Status write_lines(std::string& numbered, std::string& all);

  const int fd_;
  const Clock& clock_;
  const std::function<void(const Error&)> on_failure_;
  const size_t queue_bytes_max_;

  mutable std::mutex mutex_;
  std::condition_variable work_, room_;
  bool is_writing_ = false;    // some thread is
  bool hurry_ = false;         // the stream's thread gathers no longer
  bool is_gathering_ = false;  // it comes by itself
  Status written_;             // by another thread than the stream's, which reports it
  std::deque<Item> queue_;
  size_t queued_bytes_ = 0;  // those being written included
  uint64_t last_seq_ = 0;
  uint64_t first_kept_seq_ = 0;
  FileDescriptor log_file_;
  std::filesystem::path log_path_;
  std::shared_ptr<const Redactor> redactor_;
  bool closing_ = false, abandoned_ = false, failed_ = false;
  std::thread writer_;
};

}  // namespace osiris::worker
