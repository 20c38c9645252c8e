// The worker that belongs to this osiris: its path and its SHA-256.
#pragma once

#include <filesystem>
#include <string>

#include "host/project/environment.h"
#include "protocol/base/error.h"

namespace osiris {

// How a worker is linked. A static one runs on any machine of its kind and may travel; a dynamic one loads DuckDB from
// this machine.
struct WorkerLinkage {
  bool is_static = true;
  std::string name() const { return is_static ? "static" : "dynamic"; }
  std::string sentence() const;  // for a person
};
Result<WorkerLinkage> worker_linkage(const std::filesystem::path& worker);

struct WorkerBinary {
  std::filesystem::path path;
  std::string sha256;
};

// The installed worker, or what OSIRIS_WORKER names. kUnavailable if there is none or it cannot be executed.
Result<std::filesystem::path> locate_worker(const std::filesystem::path& executable_directory,
                                            const Environment& environment);

// The SHA-256 of a file of some megabytes, hashed again only when the file is another one than `cache` speaks of, by
// place, inode, size and times.
Result<std::string> cached_sha256(const std::filesystem::path& file, const std::filesystem::path& cache);

// The same with its hash. The hash of 60 MB is remembered in cache_dir under the file's
// identity (inode, size, times), so that it is computed once and not with every run.
Result<WorkerBinary> find_worker(const std::filesystem::path& executable_directory, const Environment& environment,
                                 const std::filesystem::path& cache_dir);

}  // namespace osiris
