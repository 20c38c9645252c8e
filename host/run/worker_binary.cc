#include "host/run/worker_binary.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

#include "host/installation/installation.h"
#include "protocol/base/elf.h"
#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

}  // namespace

Result<fs::path> locate_worker(const fs::path& executable_directory, const Environment& environment) {
  const auto named = environment.get_filled("OSIRIS_WORKER");
  fs::path path = named ? fs::path(*named) : installed_library_directory(executable_directory) / "osiris-worker";
  const std::string hint =
      named ? "OSIRIS_WORKER names it" : "it is installed with osiris; install it again, or name one in OSIRIS_WORKER";
  if (!path.is_absolute())
    return Error(Code::kInvalidArgument, "OSIRIS_WORKER is not an absolute path: " + path.string());
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0)
    return Error(
        Code::kUnavailable,
        "cannot find the worker " + path.string() + ": " + std::error_code(errno, std::generic_category()).message(),
        hint);
  if (!S_ISREG(info.st_mode) || ::access(path.c_str(), X_OK) != 0)
    return Error(Code::kUnavailable, "the worker " + path.string() + " cannot be executed", hint);
  return path;
}

std::string WorkerLinkage::sentence() const {
  return is_static ? "static: it runs on any amd64 Linux"
                   : "dynamic: it runs on this machine only; `make build` builds the static one";
}

Result<WorkerLinkage> worker_linkage(const fs::path& worker) {
  OSIRIS_ASSIGN(const std::string interpreter, elf_interpreter(worker));
  return WorkerLinkage{interpreter.empty()};
}

Result<std::string> cached_sha256(const fs::path& file, const fs::path& cache) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return errno_error(errno, "cannot look at", file);
  const Json identity = Json::object({{"path", file.string()},
                                      {"device", uint64_t{info.st_dev}},
                                      {"inode", uint64_t{info.st_ino}},
                                      {"size", int64_t{info.st_size}},
                                      {"modified_ns", nanoseconds(info.st_mtim)},
                                      {"changed_ns", nanoseconds(info.st_ctim)}});
  if (const auto text = read_file(cache); text.ok()) {
    const auto known = parse_json(*text);
    if (known.ok() && (*known)["identity"] == identity && (*known)["sha256"].as_string().size() == 64)
      return (*known)["sha256"].as_string();
  }
  OSIRIS_ASSIGN(const FileDigest digest, sha256_file(file));
  // A cache that cannot be written costs time, nothing else.
  if (make_directories(cache.parent_path()).ok())
    static_cast<void>(write_file_atomically(
        cache, Json::object({{"identity", identity}, {"sha256", digest.sha256}}).dump_pretty() + "\n"));
  return digest.sha256;
}

Result<WorkerBinary> find_worker(const fs::path& executable_directory, const Environment& environment,
                                 const fs::path& cache_dir) {
  WorkerBinary worker;
  OSIRIS_ASSIGN(worker.path, locate_worker(executable_directory, environment));
  OSIRIS_ASSIGN(worker.sha256, cached_sha256(worker.path, cache_dir / "worker.json"));
  return worker;
}

}  // namespace osiris
