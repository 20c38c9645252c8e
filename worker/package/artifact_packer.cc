#include "worker/package/artifact_packer.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/archive/archive.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/thread.h"

namespace osiris::worker {

namespace fs = std::filesystem;

// The archive that is being written. stop() is called from any thread, the rest from one.
class ArtifactPacker::Archive {
 public:
  explicit Archive(const fs::path& path)
      : output_(FileDescriptor::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)),
        writer_([this](std::string_view bytes) { return take(bytes); }, {.level = 1}) {
    packed_.path = path.string();
    if (!output_.is_open()) write_error_ = errno;
  }
  ~Archive() {
    if (!finished_) ::unlink(packed_.path.c_str());
  }

  void stop() { stopped_ = true; }

  Status add_output(const Artifact& artifact) {
    rpc::PackedFile file;
    file.kind = "output";
    file.step_id = artifact.step_id;
    file.path = artifact.path;
    file.size_bytes = artifact.size_bytes;
    OSIRIS_TRY(add(std::move(file), artifact.target));
    // A file that is no longer what its step declared is not an artifact of this run.
    if (packed_.files.back().sha256 != artifact.sha256)
      return Error(Code::kInternal,
                   "output " + artifact.path + " of step " + artifact.step_id + " changed after it was written");
    packed_outputs_.emplace(artifact.step_id, artifact.path);
    return {};
  }

  bool has_output(const Artifact& artifact) const {
    return packed_outputs_.count({artifact.step_id, artifact.path}) > 0;
  }

  Status add_session_file(const fs::path& source, const fs::path& session_dir) {
    rpc::PackedFile file;
    file.kind = "session";
    file.path = source.lexically_relative(session_dir).string();
    file.size_bytes = fs::file_size(source);
    return add(std::move(file), source);
  }

  Result<rpc::Packed> finish() {
    if (const Status finished = writer_.finish(); !finished) return failed(finished.error());
    if (!output_.close()) return errno_error(errno, "cannot write", packed_.path);
    finished_ = true;
    return packed_;
  }

 private:
  Status add(rpc::PackedFile file, const fs::path& source) {
    if (!output_.is_open()) return failed({});
    file.number = static_cast<uint32_t>(packed_.files.size() + 1);
    auto digest = writer_.add_file(file.number, source, file.size_bytes);
    if (!digest) return failed(digest.error());
    file.sha256 = std::move(digest->sha256);
    packed_.files.push_back(std::move(file));
    return {};
  }

  bool take(std::string_view bytes) {
    if (stopped_) return false;
    packed_.size_bytes += bytes.size();
    if (write_all(output_.get(), bytes)) return true;
    write_error_ = errno;
    return false;
  }

  Error failed(const Error& error) const {
    return write_error_ ? errno_error(write_error_, "cannot write", packed_.path) : error;
  }

  rpc::Packed packed_;
  std::set<std::pair<std::string, std::string>> packed_outputs_;  // step and path
  FileDescriptor output_;
  int write_error_ = 0;
  bool finished_ = false;
  std::atomic<bool> stopped_{false};
  archive::Writer writer_;
};

ArtifactPacker::ArtifactPacker(fs::path path) : path_(std::move(path)) {}

ArtifactPacker::~ArtifactPacker() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    waiting_.clear();
    if (archive_) archive_->stop();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ArtifactPacker::add(std::vector<Artifact> outputs) {
  if (outputs.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    for (Artifact& output : outputs) waiting_.push_back(std::move(output));
    if (!archive_) {
      archive_ = std::make_unique<Archive>(path_);
      has_thread_ = begin_thread(thread_, [this] { work(); });
    }
    if (!has_thread_) waiting_.clear();  // finish() packs what is not packed by then
  }
  changed_.notify_all();
}

void ArtifactPacker::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty() || !status_.ok()) return;
    const Artifact output = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Status added = archive_->add_output(output);
    lock.lock();
    status_ = std::move(added);
  }
}

Result<rpc::Packed> ArtifactPacker::finish(const fs::path& session_dir, const std::vector<Artifact>& outputs) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  OSIRIS_TRY(status_);
  if (!archive_) {
    const std::lock_guard lock(mutex_);
    archive_ = std::make_unique<Archive>(path_);
  }
  for (const Artifact& output : outputs)
    if (!archive_->has_output(output)) OSIRIS_TRY(archive_->add_output(output));
  OSIRIS_ASSIGN(const std::vector<fs::path> session_files, files_below(session_dir / "artifacts"));
  for (const fs::path& source : session_files) OSIRIS_TRY(archive_->add_session_file(source, session_dir));
  return archive_->finish();
}

}  // namespace osiris::worker
