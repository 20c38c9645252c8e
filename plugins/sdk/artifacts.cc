#include "plugins/sdk/artifacts.h"

#include <string>

#include "protocol/base/sha256.h"

namespace osiris::sdk {

Status verify_artifacts(const std::vector<rpc::Artifact>& artifacts) {
  for (const rpc::Artifact& artifact : artifacts) {
    const std::string what = "the output " + artifact.path + " of step " + artifact.step_id;
    const Result<FileDigest> found = sha256_file(artifact.target);
    if (!found)
      return Error(Code::kInternal, what + " could not be read back: " + found.error().message,
                   "Did something remove it while the run was ending? Run again.", "write.failed");
    if (found->size_bytes != artifact.size_bytes || found->sha256 != artifact.sha256)
      return Error(Code::kInternal,
                   what + " is not what the step wrote: " + artifact.target + " has " +
                       std::to_string(found->size_bytes) + " bytes with SHA-256 " + found->sha256 +
                       ", the step wrote " + std::to_string(artifact.size_bytes) + " with " + artifact.sha256,
                   "Does another program, or a second run, write the same file?", "write.failed");
  }
  return {};
}

Json artifacts_document(const std::vector<rpc::Artifact>& artifacts, const Json& released) {
  Json files = Json::array();
  for (const rpc::Artifact& artifact : artifacts) files.push_back(rpc::to_json(artifact));
  return Json::object({{"schema", "osiris.artifacts/1"}, {"files", std::move(files)}, {"released", released}});
}

}  // namespace osiris::sdk
