#include "protocol/model/kept_output.h"

#include <algorithm>
#include <iterator>

namespace osiris {
namespace {

constexpr std::string_view kUses[] = {"run", "keep", "take", "done"};

}  // namespace

Json to_json(const KeptOutput& kept) {
  if (kept.use == StepUse::kRun) return {};
  Json json = Json::object({{"use", kUses[static_cast<size_t>(kept.use)]}});
  if (kept.bytes_max > 0 && (kept.use == StepUse::kKeep || kept.keeps)) json.set("bytes_max", kept.bytes_max);
  if (kept.use == StepUse::kKeep) return json;
  if (kept.keeps) json.set("keeps", true);
  if (kept.in_pieces) json.set("in_pieces", true);
  json.set("run_id", kept.run_id);
  json.set("rows_read", kept.rows_read);
  json.set("rows_written", kept.rows_written);
  json.set("rows_out", kept.rows_out);
  if (!kept.shard_rows.empty()) json.set("shard_rows", shard_rows_json(kept.shard_rows));
  return json;
}

Result<KeptOutput> kept_output_from_json(const Json& json) {
  KeptOutput kept;
  if (json.is_null()) return kept;
  const auto* const use = std::find(std::begin(kUses), std::end(kUses), json["use"].as_string());
  if (use == std::end(kUses)) return Error(Code::kInvalidArgument, "kept has no use that is known");
  kept.use = static_cast<StepUse>(use - kUses);
  kept.run_id = json["run_id"].as_string();
  kept.keeps = json["keeps"].as_bool();
  kept.in_pieces = json["in_pieces"].as_bool();
  kept.bytes_max = json["bytes_max"].as_uint();
  kept.rows_read = json["rows_read"].as_uint();
  kept.rows_written = json["rows_written"].as_uint();
  kept.rows_out = json["rows_out"].as_uint();
  kept.shard_rows = shard_rows_from_json(json["shard_rows"]);
  return kept;
}

Json shard_rows_json(const std::vector<uint64_t>& shard_rows) {
  Json list = Json::array();
  for (const uint64_t rows : shard_rows) list.push_back(rows);
  return list;
}

std::vector<uint64_t> shard_rows_from_json(const Json& json) {
  std::vector<uint64_t> shard_rows;
  for (const Json& rows : json.items()) shard_rows.push_back(rows.as_uint());
  return shard_rows;
}

std::string kept_file_path(std::string_view step_id) { return "artifacts/" + std::string(step_id) + "/kept.parquet"; }

std::string kept_piece_path(std::string_view step_id, size_t place) {
  return "artifacts/" + std::string(step_id) + "/kept-" + std::to_string(place) + ".parquet";
}

}  // namespace osiris
