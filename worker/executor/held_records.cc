#include "worker/executor/held_records.h"

#include <utility>

namespace osiris::worker {
namespace {

void add_rows(rpc::Record& record, std::string_view from_step, uint64_t rows) {
  if (auto* event = std::get_if<rpc::Event>(&record)) {
    if (event->data["event"].as_string() == "inputs_resolved" && event->data["from_step"].as_string() == from_step)
      event->data.set("rows", rows);
  } else if (auto* metric = std::get_if<rpc::Metric>(&record)) {
    if (metric->data["metric"].as_string() == "rows_in")
      metric->data.set("value", metric->data["value"].as_uint() + rows);
  }
}

}  // namespace

void HeldRecords::emit(rpc::Record record) {
  {
    const std::lock_guard lock(mutex_);
    if (sink_) return sink_->emit(std::move(record));
  }
  if (auto* event = std::get_if<rpc::Event>(&record)) event->time_ns = clock_.unix_ns();
  if (auto* metric = std::get_if<rpc::Metric>(&record)) metric->time_ns = clock_.unix_ns();
  const std::lock_guard lock(mutex_);
  records_.push_back(std::move(record));
}

void HeldRecords::log(std::string text) {
  const std::lock_guard lock(mutex_);
  if (log_) return log_->info(text);
  lines_.push_back(std::move(text));
}

void HeldRecords::pass_on(RecordSink& sink, Log& log) {
  send(sink, log, {}, 0);
  const std::lock_guard lock(mutex_);
  sink_ = &sink;
  log_ = &log;
}

void HeldRecords::send(RecordSink& sink, Log& log, std::string_view from_step, uint64_t rows) {
  const std::lock_guard lock(mutex_);
  for (rpc::Record& record : records_) {
    add_rows(record, from_step, rows);
    sink.emit(std::move(record));
  }
  for (const std::string& line : lines_) log.info(line);
  records_.clear();
  lines_.clear();
}

}  // namespace osiris::worker
