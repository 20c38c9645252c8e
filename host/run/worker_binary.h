// The worker that belongs to this osiris: where it lies and what it hashes to.
#pragma once

#include <filesystem>
#include <string>

#include "host/project/environment.h"
#include "protocol/base/error.h"

namespace osiris {

struct WorkerBinary {
  std::filesystem::path path;
  std::string sha256;
};

// <prefix>/lib/osiris/osiris-worker, or what OSIRIS_WORKER names. The hash of 60 MB is remembered in cache_dir under the file's
// identity (inode, size, times), so that it is computed once and not with every run. kUnavailable if there is no worker.
Result<WorkerBinary> find_worker(const std::filesystem::path& executable_directory, const Environment& environment,
                                 const std::filesystem::path& cache_dir);

}  // namespace osiris
