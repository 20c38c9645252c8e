#include "plugins/sdk/fleet/fleet_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "plugins/sdk/package/run_package.h"
#include "protocol/base/categories.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr size_t kMachinesOfSnapshotMin = 3;  // with the one that holds it

const PlanStep* find(const Plan& plan, const std::string& id) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [&](const PlanStep& step) { return step.id == id; });
  return found == plan.steps.end() ? nullptr : &*found;
}

void keep_only(Json& step, const std::set<std::string>& ids) {
  Json needs = Json::array();
  for (const Json& need : step["needs"].items())
    if (ids.count(need.as_string())) needs.push_back(need);
  step.set("needs", std::move(needs));
}

}  // namespace

FleetPlan::FleetPlan(const RunRequest& request, size_t machines) : request_(request), machines_(machines) {
  find_sharded();
  find_before();
  for (const Json& step : request.manifest["steps"].items())
    documents_[(step.contains("id") ? step["id"] : step["step_id"]).as_string()] = &step;
  for (const List& list : lists_)
    for (const PlanStep* step : list.steps) files_.try_emplace(step->id, *step, *documents_.at(step->id));
  machines_ = std::min(machines_, shard_count() + (has_source() ? 1 : 0));
  for (const List& list : lists_)
    for (const PlanStep* step : list.steps)
      if (const uint64_t most = connections_max(*step); most > 0) machines_ = std::min<size_t>(machines_, most);
}

// 0: without limit.
uint64_t FleetPlan::connections_max(const PlanStep& step) const {
  const uint64_t of_step = step.cfg["source"]["max_connections"].as_uint();
  const uint64_t of_connection =
      request_.connections["connections"][step.connection]["fields"]["max_connections"].as_uint();
  return of_step == 0 || of_connection == 0 ? std::max(of_step, of_connection) : std::min(of_step, of_connection);
}

// A step with shards runs on many machines where all that it reads is there by then: the same shard of steps that do,
// and outputs of steps that do not come after any of them.
void FleetPlan::find_sharded() {
  std::set<std::string> after;  // these, and all that follows from them
  std::map<std::string, size_t> list_of_rule;
  for (const PlanStep& step : request_.steps()) {
    const auto comes_after = [&](const std::string& id) { return after.count(id) > 0; };
    bool fits = step.shards && step.kept.runs() && !step.check && !step.shards->list.empty() && can_spread(step);
    if (fits)
      for (const DataCheck& check : step.checks) fits &= check.to_step.empty() || check.to_step == step.id;
    const std::string rule = fits ? step.shards->rule.dump_canonical() : std::string();
    for (const std::string& need : step.needs) {
      const auto input = std::find_if(step.inputs.begin(), step.inputs.end(),
                                      [&](const PlanInput& each) { return each.from_step == need; });
      const bool in_shards = input != step.inputs.end() && input->in_shards;
      if (!in_shards)
        fits &= !comes_after(need);
      else
        fits &= is_in_pieces(*input, step) ||
                (is_sharded(need) && find(request_.plan, need)->shards->rule.dump_canonical() == rule);
    }
    if (!fits) {
      if (step.shards || std::any_of(step.needs.begin(), step.needs.end(), comes_after)) after.insert(step.id);
      continue;
    }
    after.insert(step.id);
    sharded_.insert(step.id);
    for (const PlanInput& input : step.inputs)
      if (is_in_pieces(input, step)) in_pieces_.insert(input.from_step);
    const auto [found, is_new] = list_of_rule.try_emplace(rule, lists_.size());
    if (is_new) lists_.push_back({{}, step.shards->list.size(), 0, step.shards->goes_on, nullptr});
    List& list = lists_[found->second];
    list.steps.push_back(&step);
    if (step.mode == StepMode::kExtract && step.shards->rule.contains("split")) list.split = &step;
    const uint64_t most = step.shards->parallel_max;
    if (most > 0) list.parallel_max = list.parallel_max == 0 ? most : std::min(list.parallel_max, most);
  }
}

// The rows of the same shards, by an earlier run.
bool FleetPlan::is_in_pieces(const PlanInput& input, const PlanStep& step) const {
  if (!input.in_shards || !step.shards) return false;
  const PlanStep* from = find(request_.plan, input.from_step);
  return from && from->kept.use == StepUse::kTake && from->kept.shard_rows.size() == step.shards->list.size();
}

const std::vector<uint64_t>* FleetPlan::pieces_of(const std::string& step_id) const {
  return in_pieces_.count(step_id) ? &find(request_.plan, step_id)->kept.shard_rows : nullptr;
}

// One machine is taken by a snapshot, and one connection: with fewer than two others one place is as fast.
bool FleetPlan::can_spread(const PlanStep& step) const {
  const bool shares_snapshot = step.shards->rule.contains("split") && !step.shards->is_inconsistent();
  if (!shares_snapshot || step.mode != StepMode::kExtract) return true;
  const uint64_t connections = connections_max(step);
  return machines_ >= kMachinesOfSnapshotMin && (connections == 0 || connections >= kMachinesOfSnapshotMin);
}

bool FleetPlan::has_source() const {
  return std::any_of(lists_.begin(), lists_.end(), [](const List& list) { return list.is_held(); });
}

bool FleetPlan::has_split() const {
  return std::any_of(lists_.begin(), lists_.end(), [](const List& list) { return list.split != nullptr; });
}

void FleetPlan::find_before() {
  const auto& steps = request_.steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!is_sharded(step->id) && !before_.count(step->id)) continue;
    for (const std::string& need : step->needs)
      if (const PlanStep* needed = find(request_.plan, need);
          needed && !is_sharded(need) && (needed->kept.runs() || in_pieces_.count(need)))
        before_.insert(need);
  }
  for (const PlanStep& step : steps) {
    if (is_wanted_whole(step)) leaving_.insert(step.id);
    std::vector<std::string> read = sources_of_checks(step);
    for (const PlanInput& input : step.inputs) read.push_back(input.from_step);
    for (const std::string& id : read) {
      const bool both_sharded = is_sharded(step.id) && is_sharded(id),
                 both_before = before_.count(step.id) && before_.count(id);
      if (both_sharded) read_in_shards_.insert(id);
      if ((is_sharded(id) && !both_sharded) || (before_.count(id) && !both_before)) leaving_.insert(id);
    }
  }
}

// Even where no step reads it: its checks are of all rows, and so is what is kept of it.
bool FleetPlan::is_wanted_whole(const PlanStep& step) const {
  return is_sharded(step.id) && (!step.checks.empty() || step.kept.use == StepUse::kKeep);
}

size_t FleetPlan::shard_count() const {
  size_t count = 0;
  for (const List& list : lists_) count += list.shards;
  return count;
}

std::vector<FleetShard> FleetPlan::shards() const {
  std::vector<FleetShard> all;
  for (size_t at = 0; at < lists_.size(); ++at) {
    const std::vector<Shard>& list = lists_[at].steps.front()->shards->list;
    std::map<std::string, uint64_t> sizes;  // of a file by its path, as a shard's text has it
    for (const PlanStep* step : lists_[at].steps)
      for (const PlanFile& file : step->input_files) sizes[file.path] = file.size_bytes;
    for (const Shard& shard : list) {
      const auto size = sizes.find(shard.text);
      all.push_back({shard.shown(), at, size == sizes.end() ? 0 : size->second});
    }
  }
  return all;
}

std::pair<size_t, size_t> FleetPlan::place_of(size_t shard) const {
  size_t list = 0;
  while (shard >= lists_[list].shards) shard -= lists_[list++].shards;
  return {list, shard};
}

std::string FleetPlan::shown(size_t shard) const {
  const auto [list, index] = place_of(shard);
  return lists_[list].steps.front()->shards->list[index].shown();
}

const Json& FleetPlan::step_document(const std::string& id) const { return *documents_.at(id); }

Json FleetPlan::taken(const std::string& id, const std::vector<BroughtRows>& rows, bool reads) const {
  KeptOutput kept;
  kept.use = reads ? StepUse::kTake : StepUse::kDone;
  kept.run_id = request_.run_id;
  if (const PlanStep* step = find(request_.plan, id); step && is_sharded(id) && step->kept.use == StepUse::kKeep) {
    kept.keeps = reads;
    kept.bytes_max = step->kept.bytes_max;
  }
  Json files = Json::array();
  for (const BroughtRows& each : rows) {
    kept.rows_read += each.rows_read;
    kept.rows_written += each.rows_written;
    kept.rows_out += each.rows_out;
    if (reads) files.push_back(Json::object({{"path", each.file.string()}, {"source", each.file.string()}}));
  }
  Json step = step_document(id);
  for (const char* key : {"needs", "outputs"}) step.set(key, Json::array());
  step.set("inputs", Json::object());
  step.set("input_files", std::move(files));
  for (const char* key : {"connection", "hosts", "materialize"}) step.erase(key);
  step.set("kept", to_json(kept));
  return step;
}

// Of a step whose rows an earlier run has kept, where they are in one piece.
Json FleetPlan::kept_rows(const std::string& id, bool reads) const {
  Json step = step_document(id);
  if (reads) return step;
  step.set("input_files", Json::array());
  step.find("kept")->set("use", "done");
  return step;
}

Json FleetPlan::shard_step(const PlanStep& step, size_t index) const {
  Json document = files_.at(step.id).document_of(index);
  document.erase("checks");  // they are of all rows
  document.erase("kept");
  if (leaves_rows(step.id)) document.set("kept", Json::object({{"use", "keep"}}));
  return document;
}

Result<RunRequest> FleetPlan::part_before() const {
  Json steps = Json::array();
  for (const PlanStep& step : request_.steps()) {
    if (before_.count(step.id)) {
      Json document = step_document(step.id);
      if (in_pieces_.count(step.id))
        for (const char* key : {"keeps", "in_pieces"}) document.find("kept")->set(key, true);
      else if (leaves_rows(step.id))
        document.set("kept", Json::object({{"use", "keep"}}));
      steps.push_back(std::move(document));
    } else if (!step.kept.runs()) {
      steps.push_back(step_document(step.id));
    }
  }
  return part(std::move(steps), "-before", {});
}

Result<RunRequest> FleetPlan::part_to_settle() const {
  Json steps = Json::array();
  for (const List& list : lists_) {
    if (!list.split) continue;
    Json document = step_document(list.split->id);
    for (const char* key : {"checks", "kept", "materialize"}) document.erase(key);
    for (const char* key : {"needs", "outputs"}) document.set(key, Json::array());
    document.set("inputs", Json::object());
    document.find("shards")->set("holds", true);
    steps.push_back(std::move(document));
  }
  return part(std::move(steps), "-settle", {});
}

Result<RunRequest> FleetPlan::part_of_shard(size_t list, size_t index, const Brought& brought,
                                            const std::map<std::string, Json>& settled) const {
  std::set<std::string> ids, read;
  for (const PlanStep* step : lists_[list].steps) {
    ids.insert(step->id);
    for (const PlanInput& input : step->inputs) read.insert(input.from_step);
  }
  Json steps = Json::array();
  for (const PlanStep& step : request_.steps()) {
    if (ids.count(step.id)) {
      Json document = shard_step(step, index);
      if (const auto known = settled.find(step.id); known != settled.end())
        document.find("shards")->set("settled", known->second);
      steps.push_back(std::move(document));
    } else if (read.count(step.id)) {
      const auto rows = brought.find(step.id);
      if (rows == brought.end()) {
        steps.push_back(step_document(step.id));
      } else if (in_pieces_.count(step.id)) {
        const BroughtRows& own = rows->second.at(index);
        steps.push_back(taken(step.id, {own}, true));
        steps.items().back().find("kept")->set("shard_rows", shard_rows_json({own.rows_out}));
      } else {
        steps.push_back(taken(step.id, rows->second, true));
      }
      ids.insert(step.id);
    }
  }
  for (Json& step : steps.items()) keep_only(step, ids);
  OSIRIS_ASSIGN(RunRequest made,
                part(std::move(steps), "-" + std::to_string(list) + "-" + std::to_string(index), brought));
  for (const PlanStep* step : lists_[list].steps)
    if (const uint64_t most = connections_max(*step); most > 0)
      if (Json* connection = made.connections.find("connections")->find(step->connection))
        connection->find("fields")->set("max_connections", std::max<uint64_t>(1, most / machines_));
  return made;
}

Result<RunRequest> FleetPlan::part_after(const Brought& brought, bool takes_shards,
                                         const std::set<std::string>& without) const {
  const auto is_done = [&](const std::string& id) {
    return brought.count(id) > 0 && (takes_shards || !is_sharded(id));
  };
  std::set<std::string> read;  // by steps that run in this part, or by checks of all rows
  for (const PlanStep& step : request_.steps()) {
    if (without.count(step.id)) continue;
    if (is_wanted_whole(step)) read.insert(step.id);
    if (is_done(step.id)) continue;
    for (const PlanInput& input : step.inputs) read.insert(input.from_step);
    for (const std::string& source : sources_of_checks(step)) read.insert(source);
  }
  Json steps = Json::array();
  for (const PlanStep& step : request_.steps()) {
    const bool is_read = read.count(step.id) > 0;
    if (without.count(step.id)) continue;
    if (in_pieces_.count(step.id))
      steps.push_back(kept_rows(step.id, is_read));
    else
      steps.push_back(is_done(step.id) ? taken(step.id, brought.at(step.id), is_read) : step_document(step.id));
  }
  return part(std::move(steps), "", brought);
}

// Sizes and hashes of the host's inputs, from what prepare has said of them.
Status FleetPlan::index_inputs() {
  std::map<std::string, const Json*> by_path;
  for (const Json& entry : request_.prepared["files"].items()) by_path[entry["path"].as_string()] = &entry;
  OSIRIS_ASSIGN(const std::vector<PackageMember> all, package_members(request_));
  for (const PackageMember& member : all)
    if (const auto entry = by_path.find(member.path); !member.source.empty() && entry != by_path.end())
      known_[member.source] = entry->second;
  return {};
}

// What is not known of its files by the host's index has just been brought.
Result<RunRequest> FleetPlan::part(Json steps, const std::string& suffix, const Brought& brought) const {
  Json manifest = Json::object();
  for (const auto& [key, value] : request_.manifest.members())
    if (key != "steps") manifest.set(key, value);
  manifest.set("steps", std::move(steps));
  OSIRIS_ASSIGN(RunRequest part, request_.with_manifest(std::move(manifest)));
  part.run_id += suffix;

  std::map<std::string, const FileDigest*> digests;
  for (const auto& [id, rows] : brought)
    for (const BroughtRows& each : rows)
      if (!each.file.empty()) digests[each.file.string()] = &each.digest;

  OSIRIS_ASSIGN(const std::vector<PackageMember> members, package_members(part));
  Json files = Json::array();
  for (const PackageMember& member : members) {
    Json entry = Json::object();
    if (member.source.empty()) {
      entry = Json::object({{"size_bytes", uint64_t{member.text.size()}}, {"sha256", sha256_hex(member.text)}});
    } else if (const auto digest = digests.find(member.source); digest != digests.end()) {
      entry = Json::object({{"input", member.input_path},
                            {"size_bytes", digest->second->size_bytes},
                            {"sha256", digest->second->sha256}});
    } else if (const auto known = known_.find(member.source); known != known_.end()) {
      entry = *known->second;
    } else {
      return Error(Code::kInternal, "nothing is known of the input " + member.source);
    }
    entry.set("path", member.path);
    files.push_back(std::move(entry));
  }
  part.prepared = Json::object({{"files", std::move(files)}});

  Json connections = Json::object();
  for (const PlanStep& step : part.steps())
    if (step.kept.runs())
      if (const Json* known = request_.connections["connections"].find(step.connection))
        connections.set(step.connection, *known);
  part.connections.set("connections", std::move(connections));
  return part;
}

Status FleetPlan::check_files(size_t list, size_t index) const {
  for (const PlanStep* step : lists_[list].steps) {
    const Shard& shard = step->shards->list[index];
    for (const size_t input : files_.at(step->id).inputs_of(shard)) {
      const PlanFile& file = step->input_files[input];
      struct stat info{};
      const bool is_there = ::stat(file.location.c_str(), &info) == 0;
      if (file.modified_ns == 0 || (is_there && static_cast<uint64_t>(info.st_size) == file.size_bytes &&
                                    info.st_mtim.tv_sec * kNanosPerSecond + info.st_mtim.tv_nsec == file.modified_ns))
        continue;
      Error error(Code::kStepFailed,
                  "step " + step->id + ": " + shard.shown() + ": " + file.path +
                      (is_there ? " is no longer the file that was listed when the run began" : " is no longer there"),
                  "Run again when nothing writes to it any more.", category::kExtractSchemaMismatch);
      error.detail = Json::object({{"step_id", step->id}});
      return error;
    }
  }
  return {};
}

}  // namespace osiris::sdk
