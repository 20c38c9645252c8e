#include "plugins/sdk/package/artifacts.h"

namespace osiris::sdk {

Json artifacts_document(const std::vector<rpc::Artifact>& artifacts, const Json& released) {
  Json files = Json::array();
  for (const rpc::Artifact& artifact : artifacts) files.push_back(rpc::to_json(artifact));
  return Json::object({{"schema", "osiris.artifacts/1"}, {"files", std::move(files)}, {"released", released}});
}

}  // namespace osiris::sdk
