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
  if (kept.use == StepUse::kKeep) {
    if (kept.bytes_max > 0) json.set("bytes_max", kept.bytes_max);
    return json;
  }
  json.set("run_id", kept.run_id);
  json.set("rows_read", kept.rows_read);
  json.set("rows_written", kept.rows_written);
  json.set("rows_out", kept.rows_out);
  return json;
}

Result<KeptOutput> kept_output_from_json(const Json& json) {
  KeptOutput kept;
  if (json.is_null()) return kept;
  const auto* const use = std::find(std::begin(kUses), std::end(kUses), json["use"].as_string());
  if (use == std::end(kUses)) return Error(Code::kInvalidArgument, "kept has no use that is known");
  kept.use = static_cast<StepUse>(use - kUses);
  kept.run_id = json["run_id"].as_string();
  kept.bytes_max = json["bytes_max"].as_uint();
  kept.rows_read = json["rows_read"].as_uint();
  kept.rows_written = json["rows_written"].as_uint();
  kept.rows_out = json["rows_out"].as_uint();
  return kept;
}

std::string kept_file_path(std::string_view step_id) { return "artifacts/" + std::string(step_id) + "/kept.parquet"; }

}  // namespace osiris
