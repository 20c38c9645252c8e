#include "host/commands/version.h"

#include "host/adapters/abi_text.h"
#include "host/commands/context.h"
#include "host/project/user_directories.h"
#include "host/run/worker_binary.h"
#include "protocol/base/elf.h"

namespace osiris {

namespace {

struct InstalledWorker {
  std::filesystem::path path;
  std::string sha256, build_id;
  WorkerLinkage linkage;
};

Result<InstalledWorker> installed_worker(const CommandContext& context) {
  InstalledWorker worker;
  // Remembered for the user: a version is asked for in any directory, and leaves nothing there.
  OSIRIS_ASSIGN(WorkerBinary binary, find_worker(context.executable_directory, context.process_environment,
                                                 user_cache_directory(context.process_environment)));
  worker.path = std::move(binary.path);
  worker.sha256 = std::move(binary.sha256);
  OSIRIS_ASSIGN(worker.linkage, worker_linkage(worker.path));
  OSIRIS_ASSIGN(worker.build_id, elf_build_id(worker.path));
  return worker;
}

Json text_or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

}  // namespace

std::string version_text(const CommandContext& context) {
  const std::string version = "v" + std::string(kVersion), abi = abi_version_text(OSIRIS_ABI_VERSION);
  const Result<InstalledWorker> worker = installed_worker(context);
  if (context.json) {
    Json document = worker.ok() ? Json::object({{"path", worker->path.string()},
                                                {"sha256", worker->sha256},
                                                {"build_id", text_or_null(worker->build_id)},
                                                {"linkage", worker->linkage.name()}})
                                : Json::object({{"problem", worker.error().message}});
    return Json::object({{"version", version},
                         {"commit", kCommit},
                         {"tag", text_or_null(kTag)},
                         {"abi", abi},
                         {"abi_major", int64_t{OSIRIS_ABI_VERSION >> 16}},
                         {"abi_minor", int64_t{OSIRIS_ABI_VERSION & 0xffff}},
                         {"engine", Json::object({{"name", "DuckDB"}, {"version", OSIRIS_ENGINE_VERSION}})},
                         {"worker", std::move(document)}})
        .dump();
  }
  return "Osiris " + version + "\ncommit  " + std::string(kCommit) + (kTag.empty() ? "" : "\ntag     ") +
         std::string(kTag) + "\nABI     " + abi + "\nengine  DuckDB " OSIRIS_ENGINE_VERSION "\nworker  " +
         (worker.ok() ? "sha256 " + worker->sha256 + "\n        " + worker->path.string() + "\n        " +
                            worker->linkage.sentence()
                      : worker.error().message);
}

}  // namespace osiris
