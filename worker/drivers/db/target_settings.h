// What a step that writes to a table of a database asks for, whatever the database.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/chunk.h"
#include "worker/drivers/db/fingerprint.h"

namespace osiris::worker::db {

enum class WriteMode { kAppend, kReplace, kUpsert, kTruncate };
std::string_view name_of(WriteMode mode);

// What follows when the relation has columns that the table lacks.
enum class NewColumns { kFreeze, kEvolve, kDiscard };

struct TargetSettings {
  std::string table;
  WriteMode mode = WriteMode::kAppend;
  std::vector<std::string> keys;  // of an upsert, and the primary key of a table that is made
  bool creates = true;            // a table that is not there
  NewColumns new_columns = NewColumns::kFreeze;
  bool verifies = true;          // by counting
  bool verifies_values = false;  // by fingerprints too

  bool is_key(std::string_view column) const;
};

// `table`, `write_mode` (or `mode`), `primary_key` (or `upsert_keys`), `create_table` (or `create_if_missing`),
// `truncate_before`, `schema_drift`, `verify`. Of two names for one thing, both may be there only if they agree.
Result<TargetSettings> read_target_settings(const StepContext& context, bool creates_by_default);

// The only input's columns; an error where the step has no input.
Result<RelationColumns> source_columns(StepContext& context);

// The places in `targets` of the relation's columns, one each; nullopt: to be made, or left out, as `new_columns` says.
// Names match as written first, then without regard to case. Errors (write.failed) name the table.
Result<std::vector<std::optional<size_t>>> match_columns(const std::string& table, const RelationColumns& sources,
                                                         const std::vector<std::string>& targets,
                                                         NewColumns new_columns);

// The columns whose values differ, by name; none where the values went into other rows.
Error value_mismatch(const std::string& server, const std::string& table, const std::vector<std::string>& columns,
                     const Fingerprint& handed_over, const Fingerprint& held);
// An event: the table holds what was handed over, as their number says, or their fingerprint too.
void tell_verified(StepContext& context, const std::string& table, uint64_t rows, const Fingerprint* fingerprint);

// The rows handed over and those that the table holds are not as many.
Error count_mismatch(const std::string& server, const std::string& table, uint64_t handed_over, uint64_t held);

}  // namespace osiris::worker::db
