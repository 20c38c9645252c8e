// The records of a step that reads a stream, until its source has ended well: then they are sent, after those of the
// source and with the counts that were not known; otherwise the step was never begun.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "worker/log.h"
#include "worker/records/record_sink.h"

namespace osiris::worker {

class HeldRecords : public RecordSink {
 public:
  explicit HeldRecords(const Clock& clock) : clock_(clock) {}

  // [any thread] Keeps the record with the time it has now.
  void emit(rpc::Record record) override;
  void log(std::string text);
  // Sends all, in their order. `from_step` gave `rows` rows, which the step's first records count as none.
  void send(RecordSink& sink, Log& log, std::string_view from_step, uint64_t rows);
  // Sends all, and from now on what comes.
  void pass_on(RecordSink& sink, Log& log);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::vector<rpc::Record> records_;
  std::vector<std::string> lines_;
  RecordSink* sink_ = nullptr;  // where all goes that comes now
  Log* log_ = nullptr;
};

}  // namespace osiris::worker
