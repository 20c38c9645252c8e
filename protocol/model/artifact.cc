#include "protocol/model/artifact.h"

namespace osiris {

Json to_json(const Artifact& artifact) {
  return Json::object({{"path", artifact.path},
                       {"target", artifact.target},
                       {"size_bytes", artifact.size_bytes},
                       {"sha256", artifact.sha256},
                       {"step_id", artifact.step_id}});
}

Artifact reported_artifact(const Json& json) {
  return {json["path"].as_string(), json["target"].as_string(), json["size_bytes"].as_uint(),
          json["sha256"].as_string(), json["step_id"].as_string()};
}

Result<Artifact> artifact_from_json(const Json& json) {
  Artifact artifact = reported_artifact(json);
  if (artifact.path.empty() || artifact.target.empty() || artifact.target[0] != '/')
    return Error(Code::kInvalidArgument, "artifact: path or an absolute target is missing");
  if (!json["size_bytes"].is_int() || artifact.sha256.size() != 64)
    return Error(Code::kInvalidArgument, "artifact " + artifact.path + ": size_bytes or sha256 is missing");
  return artifact;
}

Json to_json(const std::vector<Artifact>& artifacts) {
  Json list = Json::array();
  for (const Artifact& artifact : artifacts) list.push_back(to_json(artifact));
  return list;
}

}  // namespace osiris
