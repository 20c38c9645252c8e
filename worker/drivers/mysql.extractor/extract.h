// One SELECT from sending it to its last row, on the thread that reads the network.
#pragma once

#include "worker/drivers/db/row_queue.h"
#include "worker/drivers/mysql.extractor/columns.h"
#include "worker/drivers/mysql.extractor/settings.h"
#include "worker/drivers/mysql/connection.h"

namespace osiris::worker::mysql {

// Logs in (or takes a pooled connection), runs settings.sql and feeds its rows; queue.finish() is the call's to call.
Status extract(const ExtractSettings& settings, const CallContext& call, db::RowQueue& queue, db::SourceUse& use);

// Where the parts of a split begin, for db::KeyRange.
Result<Json> ask_for_bounds(const ExtractSettings& settings, const CallContext& call, db::SourceUse& use,
                            const db::KeySplit& split);

// The columns that it would feed. Prepares the statement and executes nothing; kUnsupported for one whose columns only
// its execution tells (CALL).
Result<Columns> describe(const ExtractSettings& settings, const CallContext& call);

}  // namespace osiris::worker::mysql
