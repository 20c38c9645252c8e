// What travels back from a remote worker: one archive of every output that a step declared and of every file below
// session_dir/artifacts. Outputs are packed when their step ends, beside the steps that still run. Format:
// docs/run-package.md, protocol/archive.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/model/artifact.h"
#include "protocol/rpc/params.h"

namespace osiris::worker {

class ArtifactPacker {
 public:
  // Nothing is written before there is a file to pack.
  explicit ArtifactPacker(std::filesystem::path path);
  // Stops; an archive that was not finished is removed.
  ~ArtifactPacker();
  ArtifactPacker(const ArtifactPacker&) = delete;
  ArtifactPacker& operator=(const ArtifactPacker&) = delete;

  // Outputs of a step that has ended. They are not written any more. Returns at once; what goes wrong is finish()'s
  // error. [any thread]
  void add(std::vector<Artifact> outputs);
  // Waits for what was added, packs what `outputs` has beside and the files below session_dir/artifacts, and closes the
  // archive. Called once, and nothing is added after it. kInternal: a file is no longer what its step declared.
  Result<rpc::Packed> finish(const std::filesystem::path& session_dir, const std::vector<Artifact>& outputs);

 private:
  class Archive;
  void work();

  const std::filesystem::path path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Artifact> waiting_;
  bool closing_ = false;  // nothing is added any more
  std::unique_ptr<Archive> archive_;
  Status status_;  // of the thread, once it has ended
  std::thread thread_;
  bool has_thread_ = false;  // the machine had one
};

}  // namespace osiris::worker
