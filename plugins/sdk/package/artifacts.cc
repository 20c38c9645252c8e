#include "plugins/sdk/package/artifacts.h"

namespace osiris::sdk {

Json artifacts_document(const std::vector<Artifact>& artifacts, const Json& released) {
  return Json::object({{"schema", "osiris.artifacts/1"}, {"files", to_json(artifacts)}, {"released", released}});
}

}  // namespace osiris::sdk
