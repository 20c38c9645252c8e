#include "worker/drivers/db/chunked_load.h"

#include "protocol/base/categories.h"

namespace osiris::worker::db {

ChunkedRows* claimed_chunks(StepContext& context, const std::string& target, CopyTables& tables) {
  const StepOrigin origin = context.origin();
  if (origin.pipeline.empty()) return nullptr;
  tables = tables_of_copy(origin, context.step_id(), target);
  ChunkedRows* rows = context.chunked_rows();
  if (!rows || rows->plan().chunks() == 1) return nullptr;
  rows->claim();
  return rows;
}

Error held_by_another(const std::string& server, const std::string& step_id, const std::string& table) {
  return Error(Code::kUnavailable,
               server + " write failed: another run of step " + step_id + " is copying to table " + table,
               "let it end, or stop it; then run again", category::kWriteFailed);
}

void say_that_it_goes_on(const CallContext& call, const CopyLedger& ledger) {
  call.log("the copy of an earlier run goes on: " + std::to_string(ledger.count()) + " of " +
           std::to_string(ledger.plan().chunks()) + " chunks are committed, read at another time than the rest");
}

void say_that_it_begins_anew(const CallContext& call, const std::string& why) {
  call.log("the copy of an earlier run cannot go on, and begins anew: " + why);
}

void say_that_it_is_dropped(const CallContext& call, const std::string& table) {
  call.log("table " + table + ", which an earlier run of this step left, is dropped");
}

}  // namespace osiris::worker::db
