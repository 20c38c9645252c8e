#include "host/run/shard_record.h"

#include <algorithm>

#include "host/compiler/shard_list.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

// In the order of the list; null: not taken in.
Json accepted_shards(const StepState& step, size_t count) {
  Json list = Json::array();
  list.items().resize(count);
  for (const AcceptedShard& shard : step.shards) {
    if (shard.index >= count) continue;
    Json& entry = list.items()[shard.index] = Json::object({{"rows", shard.rows}});
    if (!shard.fingerprint.empty()) entry.set("fingerprint", shard.fingerprint);
  }
  return list;
}

Json failed_shards(const StepState& step) {
  Json list = Json::array();
  for (const ShardFailure& shard : step.failed_shards)
    list.push_back(Json::object({{"index", shard.index}, {"error", shard.error}, {"category", shard.category}}));
  return list;
}

void set_of_step(Json& list, const char* key, const StepState& step, Json value) {
  if (!list.contains(key)) list.set(key, Json::object());
  list.find(key)->set(step.plan.id, std::move(value));
}

}  // namespace

ShardRecord::ShardRecord(const Plan& plan, const std::filesystem::path& session_dir)
    : file_(session_dir / "shards.json"), document_(shards_document(plan)) {}

Status ShardRecord::write() const {
  const std::lock_guard lock(mutex_);
  if (document_.is_null()) return {};
  return write_file_atomically(file_, document_.dump_pretty() + "\n");
}

Json* ShardRecord::list_of(std::string_view step_id) {
  if (document_.is_null()) return nullptr;
  for (Json& list : document_.find("lists")->items()) {
    const auto& steps = list["steps"].items();
    const bool has =
        std::any_of(steps.begin(), steps.end(), [&](const Json& step) { return step.as_string() == step_id; });
    if (has) return &list;
  }
  return nullptr;
}

void ShardRecord::on_event(std::string_view name, std::string_view step_id, const Json& data) {
  if (name != "shards_settled") return;
  {
    const std::lock_guard lock(mutex_);
    Json* list = list_of(step_id);
    if (!list) return;
    if (!list->contains("settled")) list->set("settled", Json::object());
    list->find("settled")->set(std::string(step_id), data["settled"]);
  }
  const Status written = write();
  const std::lock_guard lock(mutex_);
  if (written_.ok()) written_ = written;
}

Status ShardRecord::finish(const std::vector<StepState>& steps) {
  {
    const std::lock_guard lock(mutex_);
    for (const StepState& step : steps) {
      Json* list = list_of(step.plan.id);
      if (!list) continue;
      if (!step.shards.empty()) set_of_step(*list, "accepted", step, accepted_shards(step, (*list)["shards"].size()));
      if (!step.failed_shards.empty()) set_of_step(*list, "failed", step, failed_shards(step));
    }
    if (!written_.ok()) return written_;
  }
  return write();
}

}  // namespace osiris
