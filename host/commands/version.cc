#include "host/commands/version.h"

#include "host/adapters/abi_text.h"
#include "host/commands/context.h"
#include "host/run/worker_binary.h"
#include "protocol/base/sha256.h"

namespace osiris {

std::string version_text(const CommandContext& context) {
  const std::string version = "v" + std::string(kVersion);
  Result<std::filesystem::path> path = locate_worker(context.executable_directory, context.process_environment);
  Result<FileDigest> digest = path.ok() ? sha256_file(*path) : Result<FileDigest>(path.error());
  Result<WorkerLinkage> linkage = digest.ok() ? worker_linkage(*path) : Result<WorkerLinkage>(digest.error());
  if (context.json) {
    Json worker =
        linkage.ok()
            ? Json::object({{"path", path->string()}, {"sha256", digest->sha256}, {"linkage", linkage->name()}})
            : Json::object({{"problem", linkage.error().message}});
    return Json::object({{"version", version},
                         {"commit", kCommit},
                         {"abi", abi_version_text(OSIRIS_ABI_VERSION)},
                         {"worker", std::move(worker)}})
        .dump();
  }
  return "Osiris " + version + "\ncommit  " + std::string(kCommit) + "\nABI     " +
         abi_version_text(OSIRIS_ABI_VERSION) + "\nworker  " +
         (linkage.ok() ? "sha256 " + digest->sha256 + "\n        " + path->string() + "\n        " + linkage->sentence()
                       : linkage.error().message);
}

}  // namespace osiris
