#include "worker/drivers/db/fill.h"

#include <new>
#include <thread>

#include "protocol/base/categories.h"
#include "worker/drivers/db/relation.h"

namespace osiris::worker::db {
namespace {

constexpr std::chrono::milliseconds kCancelPoll(50);

// Everything the queue brings, into the relation. Returns the rows.
Result<uint64_t> fill(StepContext& context, const std::string& server, RowQueue& queue) {
  Relation relation(server, context.connection_handle(), context.output_table());
  uint64_t rows = 0, bytes = 0;
  for (;;) {
    if (context.is_cancelled()) return cancelled_error(context.step_id());
    RowQueue::Delivery delivery = queue.next(kCancelPoll);
    if (delivery.columns) OSIRIS_TRY(relation.create(*delivery.columns));
    if (delivery.batch) {
      for (const auto& chunk : delivery.batch->chunks) OSIRIS_TRY(relation.append(*chunk));
      rows += delivery.batch->rows;
      bytes += delivery.batch->bytes;
      context.progress(rows);
      context.progress_bytes(bytes, 0);
      queue.give_back(std::move(*delivery.batch));
    }
    if (delivery.end) {
      OSIRIS_TRY(*delivery.end);
      OSIRIS_TRY(relation.finish());
      return rows;
    }
  }
}

Status read_caught(const std::string& step_id, const std::string& server, const std::function<Status(RowQueue&)>& read,
                   RowQueue& queue) try {
  return read(queue);
} catch (const std::bad_alloc&) {
  return Error(Code::kExhausted, server + " execution failed: out of memory in step " + step_id,
               "lower batch_size, or select fewer columns", category::kRuntimeMemoryExceeded);
}

}  // namespace

Error cancelled_error(const std::string& step_id) {
  return Error(Code::kCancelled, "Step " + step_id + " was cancelled", {}, category::kRuntimeDependencyFailed);
}

Result<StepOutcome> extract(StepContext& context, const std::string& server, Deadline& deadline,
                            const std::function<Status(RowQueue&)>& read) {
  RowQueue queue;
  std::thread reader([&] { queue.finish(read_caught(context.step_id(), server, read, queue)); });
  const Result<uint64_t> rows = fill(context, server, queue);
  queue.close();
  if (!rows.ok()) deadline.cancel();
  reader.join();
  // An interrupted statement of ours fails with DuckDB's words; the cause is the cancelling.
  if (!rows.ok() && context.is_cancelled()) return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, 0};
}

Status make_empty(StepContext& context, const std::string& server, const RelationColumns& columns) {
  Relation relation(server, context.connection_handle(), context.output_table());
  OSIRIS_TRY(relation.create(columns));
  return relation.finish();
}

}  // namespace osiris::worker::db
