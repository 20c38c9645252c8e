// What a load in chunks is to any database: whether there are chunks, what the copy is, and what is said of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/base/sha256.h"
#include "worker/driver_api/chunked_rows.h"
#include "worker/drivers/db/call.h"
#include "worker/drivers/db/copy_ledger.h"
#include "worker/drivers/db/target_settings.h"

namespace osiris::worker::db {

// The rows where they come in chunks, claimed; null: they have one chunk, or none, and are one transaction. Of a step
// of a pipeline `tables` are those of its copies to `target` either way: an earlier run may have left some.
ChunkedRows* claimed_chunks(StepContext& context, const std::string& target, CopyTables& tables);

// What a copy is, besides what its source says: where it goes, and as what. `Plan` has a column's name, its name in the
// target and the target's type_name.
template <class Plan>
Json identity_of_copy(const StepContext& context, ChunkedRows& rows, const std::string& target,
                      const TargetSettings& settings, const std::vector<Plan>& plans, bool is_new) {
  std::string columns;
  for (const Plan& plan : plans) columns += plan.name + "\n" + plan.target + "\n" + plan.type_name + "\n";
  return Json::object({{"source", rows.identity()},
                       {"target", Json::object({{"table", target},
                                                {"columns", sha256_hex(columns)},
                                                {"write_mode", std::string(name_of(settings.mode))},
                                                {"verify", settings.verifies_values ? "full" : "count"},
                                                {"existence", is_new ? "new" : "there"}})},
                       {"worker", Json::object({{"version", context.origin().worker}})}});
}

// Whether rows planned for the one go into the columns of the other.
template <class Plan>
bool are_same_columns(const std::vector<Plan>& now, const std::vector<Plan>& before) {
  return std::equal(now.begin(), now.end(), before.begin(), before.end(),
                    [](const Plan& a, const Plan& b) { return a.target == b.target && a.type_name == b.type_name; });
}

// Another run of the step holds the tables of its copies. `server`: "MySQL".
Error held_by_another(const std::string& server, const std::string& step_id, const std::string& table);

// For the log: an earlier run's copy is gone on with; or it cannot be, and why. What an earlier run left.
void say_that_it_goes_on(const CallContext& call, const CopyLedger& ledger);
void say_that_it_begins_anew(const CallContext& call, const std::string& why);
void say_that_it_is_dropped(const CallContext& call, const std::string& table);

}  // namespace osiris::worker::db
