// Two threads per step: one reads the network and decodes rows into DuckDB chunks, the step's own appends them and
// looks whether the step was cancelled. The reader needs no DuckDB connection and the filler no network, so each can be
// stopped while the other is blocked.
#include "worker/drivers/mysql.extractor/driver.h"

#include <algorithm>
#include <new>
#include <thread>

#include "protocol/base/categories.h"
#include "worker/drivers/mysql.extractor/connection.h"
#include "worker/drivers/mysql.extractor/errors.h"
#include "worker/drivers/mysql.extractor/extract.h"
#include "worker/drivers/mysql.extractor/relation.h"
#include "worker/drivers/mysql.extractor/row_queue.h"
#include "worker/drivers/mysql.extractor/settings.h"

namespace osiris::worker {
namespace {

using namespace mysql;

constexpr std::chrono::milliseconds kCancelPoll(50);
constexpr uint32_t kCheckLimit_s = 2;
constexpr uint32_t kDescribeLimit_s = 5;

CallContext call_context(StepContext& context, Deadline& deadline, bool echo) {
  CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  call.log = [&context](const std::string& line) { context.log("mysql.extractor " + context.step_id() + ": " + line); };
  if (echo) call.echo = call.log;
  return call;
}

// Everything the queue brings, into the relation. Returns the rows.
Result<uint64_t> fill(StepContext& context, RowQueue& queue) {
  Relation relation(context.connection_handle(), context.output_table());
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

Status extract_caught(const ExtractSettings& settings, const CallContext& call, RowQueue& queue) try {
  return extract(settings, call, queue);
} catch (const std::bad_alloc&) {
  return Error(Code::kExhausted, "MySQL execution failed: out of memory in step " + call.step_id,
               "lower batch_size, or select fewer columns", category::kRuntimeMemoryExceeded);
}

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const ExtractSettings settings, read_extract_settings(context));
  Deadline deadline;
  RowQueue queue;
  const CallContext call = call_context(context, deadline, settings.echo);
  std::thread reader([&] { queue.finish(extract_caught(settings, call, queue)); });

  const Result<uint64_t> rows = fill(context, queue);
  queue.close();
  if (!rows.ok()) deadline.cancel();
  reader.join();
  // An interrupted statement of ours fails with DuckDB's words; the cause is the cancelling.
  if (!rows.ok() && context.is_cancelled()) return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, 0};
}

Status describe_output(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  settings.server.connect_timeout_s = std::min(settings.server.connect_timeout_s, kDescribeLimit_s);
  settings.server.read_timeout_s = kDescribeLimit_s;
  Deadline deadline;
  OSIRIS_ASSIGN(const Columns columns, describe(settings, call_context(context, deadline, settings.echo)));
  Relation relation(context.connection_handle(), context.output_table());
  OSIRIS_TRY(relation.create(columns));
  return relation.finish();
}

Status check(StepContext& context) {
  OSIRIS_ASSIGN(ServerSettings server, read_server_settings(context));
  server.connect_timeout_s = std::min(server.connect_timeout_s, kCheckLimit_s);
  Deadline deadline;
  const CallContext call = call_context(context, deadline, false);
  const auto until = Connection::Clock::now() + std::chrono::seconds(kCheckLimit_s);
  OSIRIS_ASSIGN(const auto connection, Connection::open(server, call));
  return connection->ping(server, call, until);
}

}  // namespace

const Driver& mysql_extractor() {
  static const Driver driver{.name = "mysql.extractor",
                             .run = run,
                             .check = check,
                             .describe = describe_output,
                             .describe_connects = true,
                             .waits = true};
  return driver;
}

}  // namespace osiris::worker
