// Rows on their way to a thread of their own that sends them, so that others are made while the server is at work with
// what it has. Its room is a few megabytes: a slow server holds its writer back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "protocol/base/error.h"
#include "worker/drivers/postgres.writer/byte_buffer.h"

namespace osiris::worker::postgres {

class SendQueue {
 public:
  // Sends `rows` rows and keeps their memory, or not.
  using Send = std::function<Status(ByteBuffer bytes, uint64_t rows)>;
  // `send` is called by one thread, in order, and not again once it has failed. It throws nothing.
  explicit SendQueue(Send send);
  // What was not sent is dropped; what is being sent is waited for.
  ~SendQueue();
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  // Waits for room. An error is that of rows that were put before. [one thread]
  Status put(ByteBuffer bytes, uint64_t rows);
  // Waits until all are sent.
  Status finish();

 private:
  struct Item {
    ByteBuffer bytes;
    uint64_t rows = 0;
  };
  void work();

  const Send send_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  size_t bytes_ = 0;  // of the items
  bool is_sending_ = false, is_over_ = false;
  Status status_;
  std::thread thread_;  // not joinable where the machine has no more: put() sends
};

}  // namespace osiris::worker::postgres
