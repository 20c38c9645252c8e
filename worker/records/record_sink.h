// Where records go on their way to the adapter.
#pragma once

#include <chrono>
#include <cstdint>

#include "protocol/rpc/messages.h"

namespace osiris::worker {

class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // Numbers the record (a response, an event or a metric) and sends it; waits while the queue is full. The number, and
  // the time where there is none, are filled in here. [any thread]
  virtual void emit(rpc::Record record) = 0;
  // Waits until what was emitted is on its way, at most for `limit`. [any thread]
  virtual void flush(std::chrono::milliseconds) {}
};

}  // namespace osiris::worker
