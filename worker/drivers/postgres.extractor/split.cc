#include "worker/drivers/postgres.extractor/split.h"

#include <memory>
#include <optional>
#include <utility>

#include "protocol/base/categories.h"
#include "worker/driver_api/cancel_watch.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/postgres.extractor/copy.h"
#include "worker/drivers/postgres.extractor/extract.h"
#include "worker/drivers/postgres.extractor/key_column.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker::postgres {
namespace {

constexpr std::chrono::seconds kLostAfter{2};
constexpr const char* kKey = "split of foreach";
constexpr int kHasTransactionTimeout = 170000;

class SnapshotHolder : public SharedSource {
 public:
  SnapshotHolder(ExtractSettings settings, const db::KeySplit& split)
      : settings_(std::move(settings)), split_(split), use_(settings_.limits, deadline_) {}

  Result<Json> begin(StepContext& context, const std::string& driver) {
    call_ = call_context(context, deadline_, driver, settings_.echo);
    const CancelWatch watch(context, [this] { deadline_.cancel(); });
    OSIRIS_TRY(watch.begun());
    auto settled = ask();
    call_.log = call_.echo = {};  // they are the attempt's, which ends before this
    return settled;
  }

  bool is_lost() override { return !connection_ || !connection_->ping(Connection::Clock::now() + kLostAfter).ok(); }

 private:
  Result<Json> ask() {
    // One connection is left free for the shards that read, however many steps hold a snapshot there.
    OSIRIS_ASSIGN(db::SourceUse::Transaction turn,
                  use_.open(place_of(settings_.server), call_.step_id, split_.is_consistent ? 1 : 0));
    turn_.emplace(std::move(turn));
    OSIRIS_ASSIGN(connection_, Connection::open(settings_.server, call_, Purpose::kRead));
    OSIRIS_TRY(connection_->run(kBeginRead));
    Json settled = Json::object();
    if (split_.is_consistent) {
      // It waits for the shards, however long they take.
      OSIRIS_TRY(connection_->run("SET LOCAL idle_in_transaction_session_timeout = 0"));
      if (connection_->server_version() >= kHasTransactionTimeout)
        OSIRIS_TRY(connection_->run("SET LOCAL transaction_timeout = 0"));
      OSIRIS_ASSIGN(const Answer snapshot, connection_->ask("SELECT pg_catalog.pg_export_snapshot()"));
      settled.set("snapshot", snapshot.text(0, 0));
    }
    OSIRIS_ASSIGN(Json bounds, ask_for_bounds());
    for (auto& [key, value] : bounds.members()) settled.set(key, std::move(value));
    return settled;
  }

  Result<Json> ask_for_bounds() {
    OSIRIS_ASSIGN(const Answer description, connection_->describe(settings_.sql));
    OSIRIS_ASSIGN(const uint32_t place, place_of_column(description, kKey, split_.column));
    Columns names;
    names.count = description.columns();
    return db::ask_for_bounds(split_, keyed_rows(*connection_, named_subquery(settings_, names), place_name(place)));
  }

  const ExtractSettings settings_;
  const db::KeySplit split_;
  Deadline deadline_;
  CallContext call_;
  db::SourceUse use_;
  std::optional<db::SourceUse::Transaction> turn_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<Settled> settle_split(StepContext& context, ExtractSettings settings, const Json& rule,
                             const std::string& driver) {
  if (!rule.contains("split")) return Settled();
  const db::KeySplit split = db::KeySplit::of(rule);
  const auto refused = [&](const std::string& key, const std::string& why) {
    return db::config_fault(context, key + " does not go with a split whose parts share a snapshot: " + why,
                            "raise it or leave it out, or write consistency: none below split");
  };
  if (split.is_consistent && settings.limits.connections_max == 1)
    return refused("max_connections: 1", "one connection holds it, and another one reads");
  if (split.is_consistent && settings.limits.transaction_s > 0)
    return refused("max_transaction", "its transaction is open until the last part is read");
  auto holder = std::make_unique<SnapshotHolder>(std::move(settings), split);
  Settled settled;
  OSIRIS_ASSIGN(settled.common, holder->begin(context, driver));
  if (split.is_consistent) settled.source = std::move(holder);
  return settled;
}

Status read_range(const StepContext& context, ExtractSettings& settings) {
  const ShardPlace* shard = context.shard();
  settings.range = db::KeyRange::of(context);
  if (!settings.range) return {};
  settings.snapshot = shard->settled["snapshot"].as_string();
  if (settings.partition)
    return db::config_fault(context, "'partition' cannot be used with split of foreach", "keep one of them");
  if (settings.rows_skipped > 0)
    return db::config_fault(context, "'offset' cannot be used with split of foreach",
                            "each part would leave out so many rows");
  return {};
}

Status take_snapshot(Connection& connection, const ExtractSettings& settings) {
  if (settings.snapshot.empty()) return {};
  const Status taken = connection.run("SET TRANSACTION SNAPSHOT " + sql::quote_literal(settings.snapshot));
  if (taken.ok() || taken.error().code != Code::kStepFailed) return taken;
  return Error(Code::kInvalidState, "the snapshot that the shards share is gone: " + taken.error().message,
               "the server ended the connection that held it; see its log", category::kConnectionFailed);
}

Result<std::string> range_filter(Connection& connection, const ExtractSettings& settings, const Answer& description) {
  OSIRIS_ASSIGN(const uint32_t place, place_of_column(description, kKey, settings.range->column));
  return settings.range->condition(keyed_rows(connection, {}, place_name(place)));
}

}  // namespace osiris::worker::postgres
