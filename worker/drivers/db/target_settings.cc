#include "worker/drivers/db/target_settings.h"

#include <algorithm>
#include <iterator>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/name_index.h"
#include "worker/drivers/db/fields.h"

namespace osiris::worker::db {
namespace {

// The value of the first of two keys that is there; an error where both are and differ.
Result<const Json*> either(const StepContext& context, const char* key, const char* synonym) {
  const Json& first = context.config()[key];
  const Json& second = context.config()[synonym];
  if (!first.is_null() && !second.is_null() && !(first == second))
    return config_fault(context, "'" + std::string(key) + "' and '" + synonym + "' mean the same and differ",
                        std::string("keep '") + key + "'");
  return first.is_null() ? &second : &first;
}

// Those of the names that differ from `name` in case alone, if at all.
std::vector<std::string> alike_in_case(const std::string& name, const std::vector<std::string>& names) {
  std::vector<std::string> alike;
  std::copy_if(names.begin(), names.end(), std::back_inserter(alike),
               [&](const std::string& each) { return ascii_lower(each) == ascii_lower(name); });
  return alike;
}

Result<WriteMode> mode_of(const StepContext& context) {
  const Json& config = context.config();
  // `mode` may be the step's own word there: "write".
  const std::string mode =
      config["write_mode"].is_null() ? config["mode"].as_string() : config["write_mode"].as_string();
  const bool truncates = config["truncate_before"].as_bool();
  if (truncates && (mode == "replace" || mode == "upsert"))
    return config_fault(context, "'truncate_before' cannot be used with write_mode " + mode,
                        "write_mode: truncate empties the table first");
  if (mode == "truncate" || truncates) return WriteMode::kTruncate;
  if (mode == "replace") return WriteMode::kReplace;
  if (mode == "upsert") return WriteMode::kUpsert;
  if (mode.empty() || mode == "append" || mode == "write") return WriteMode::kAppend;
  return config_fault(context, "write_mode '" + mode + "' is unknown", "choose append, replace, upsert or truncate");
}

Result<NewColumns> new_columns_of(const StepContext& context) {
  const std::string& word = context.config()["schema_drift"].as_string();
  if (word.empty() || word == "freeze") return NewColumns::kFreeze;
  if (word == "evolve") return NewColumns::kEvolve;
  if (word == "discard_columns") return NewColumns::kDiscard;
  return config_fault(context, "schema_drift '" + word + "' is unknown", "choose freeze, evolve or discard_columns");
}

}  // namespace

std::string_view name_of(WriteMode mode) {
  switch (mode) {
    case WriteMode::kAppend:
      return "append";
    case WriteMode::kReplace:
      return "replace";
    case WriteMode::kUpsert:
      return "upsert";
    case WriteMode::kTruncate:
      return "truncate";
  }
  return "";
}

bool TargetSettings::is_key(std::string_view column) const {
  return std::find(keys.begin(), keys.end(), column) != keys.end();
}

Result<TargetSettings> read_target_settings(const StepContext& context, bool creates_by_default) {
  TargetSettings settings;
  settings.table = context.config()["table"].as_string();
  if (settings.table.empty()) return config_fault(context, "'table' is required in config");
  OSIRIS_ASSIGN(settings.mode, mode_of(context));
  OSIRIS_ASSIGN(const Json* keys, either(context, "primary_key", "upsert_keys"));
  if (keys->is_string()) settings.keys = {keys->as_string()};
  for (const Json& key : keys->items()) settings.keys.push_back(key.as_string());
  for (const std::string& key : settings.keys)
    if (key.empty()) return config_fault(context, "'primary_key' must hold column names");
  if (settings.mode == WriteMode::kUpsert && settings.keys.empty())
    return config_fault(context, "'primary_key' is required when write_mode is 'upsert'");
  OSIRIS_ASSIGN(const Json* creates, either(context, "create_table", "create_if_missing"));
  settings.creates = creates->as_bool(creates_by_default);
  OSIRIS_ASSIGN(settings.new_columns, new_columns_of(context));
  settings.verifies = context.config()["verify"].as_string() != "off";
  settings.verifies_values = context.config()["verify"].as_string() == "full";
  return settings;
}

Result<RelationColumns> source_columns(StepContext& context) {
  if (context.inputs().empty())
    return Error(Code::kInvalidArgument, "Step " + context.step_id() + ": it has no input to write",
                 "name the step whose rows are written in `needs`", category::kConfigInvalid);
  OSIRIS_ASSIGN(
      const auto described_columns,
      described(context.connection_handle(), "SELECT * FROM " + sql::quote_identifier(context.inputs().front().name)));
  RelationColumns columns;
  for (const FileColumn& column : described_columns) columns.push_back({column.name, column.type});
  return columns;
}

Result<std::vector<std::optional<size_t>>> match_columns(const std::string& table, const RelationColumns& sources,
                                                         const std::vector<std::string>& targets,
                                                         NewColumns new_columns) {
  std::vector<std::optional<size_t>> places;
  std::vector<std::string> unknown;
  const NameIndex in_table(targets);
  for (const RelationColumn& source : sources) {
    places.push_back(in_table.find(source.name));
    if (!places.back()) {
      unknown.push_back("'" + source.name + "'");
    } else if (targets[*places.back()] != source.name) {
      if (const auto alike = alike_in_case(source.name, targets); alike.size() > 1)
        return Error(Code::kStepFailed,
                     "column '" + source.name + "' may be any of " + join(alike, ", ") + " of table " + table,
                     "write its name as the table does, by a step before", category::kWriteFailed);
    }
  }
  if (unknown.empty() || new_columns != NewColumns::kFreeze) return places;
  const auto near = nearest(unknown.front().substr(1, unknown.front().size() - 2), targets);
  return Error(
      Code::kStepFailed, "table " + table + " has no column " + join(unknown, ", ") + "; it has " + join(targets, ", "),
      (near ? "did you mean '" + *near + "'? " : std::string()) +
          "rename it in the step before, or set schema_drift: evolve to add it, discard_columns to leave it out",
      category::kWriteFailed);
}

Error value_mismatch(const std::string& server, const std::string& table, const std::vector<std::string>& columns,
                     const Fingerprint& handed_over, const Fingerprint& held) {
  if (handed_over.rows() != held.rows()) return count_mismatch(server, table, handed_over.rows(), held.rows());
  const std::string what = columns.empty() ? "values in other rows than" : "other values than";
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back("'" + column + "'");
  return Error(Code::kStepFailed,
               server + " write failed: table " + table + " holds " + what + " were handed over" +
                   (names.empty() ? "" : ", in column " + join(names, ", ")) + " (fingerprints of " +
                   std::to_string(held.rows()) + " rows: " + handed_over.text() + " were sent, " + held.text() +
                   " are there); nothing was kept",
               "look for triggers of the table that change rows, and for what is between here and the server",
               category::kWriteFailed);
}

void tell_verified(StepContext& context, const std::string& table, uint64_t rows, const Fingerprint* fingerprint) {
  Json fields = Json::object({{"table", table}, {"rows", rows}, {"by", fingerprint ? "full" : "count"}});
  if (fingerprint) fields.set("fingerprint", fingerprint->text());
  context.event("rows_verified", std::move(fields));
}

Error count_mismatch(const std::string& server, const std::string& table, uint64_t handed_over, uint64_t held) {
  return Error(Code::kStepFailed,
               server + " write failed: " + std::to_string(handed_over) + " rows were handed over and table " + table +
                   " holds " + std::to_string(held) + " of them; nothing was kept",
               "look for triggers and rules of the table that drop or add rows; verify: off keeps what they make",
               category::kWriteFailed);
}

}  // namespace osiris::worker::db
