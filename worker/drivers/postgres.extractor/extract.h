// One query from sending it to its last row, on the thread that reads the network.
#pragma once

#include "worker/drivers/db/row_queue.h"
#include "worker/drivers/postgres.extractor/columns.h"
#include "worker/drivers/postgres.extractor/settings.h"

namespace osiris::worker::postgres {

inline constexpr char kServer[] = "PostgreSQL";  // how errors begin
inline constexpr char kBeginRead[] = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

// Logs in, runs settings.sql and feeds its rows; queue.finish() is the call's to call. With a partition several
// connections that share one snapshot do, each on a thread of its own: one for each part, or as many as `use` lets it
// have.
Status extract(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use);

// The columns that it would feed. Prepares the statement and executes nothing.
Result<Columns> describe(const ExtractSettings& settings, const CallContext& call);

}  // namespace osiris::worker::postgres
