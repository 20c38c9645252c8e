#include "worker/executor/files_ahead.h"

#include <cstdio>
#include <utility>

#include "protocol/base/file.h"

namespace osiris::worker {

void FilesAhead::make(const std::string& step_id, std::string_view config) {
  {
    const std::lock_guard lock(mutex_);
    if (begun_.contains(step_id)) return;
  }
  if (count_ == 0 && !make_directories(directory_).ok()) return;
  std::filesystem::path made = directory_ / std::to_string(count_++);
  if (!make_directories(made).ok() || !write_file_atomically(made / kConfigFile, config).ok()) return;
  const std::lock_guard lock(mutex_);
  if (!begun_.contains(step_id)) made_.emplace(step_id, std::move(made));
}

bool FilesAhead::take(const std::string& step_id, const std::filesystem::path& artifacts_dir) {
  std::unique_lock lock(mutex_);
  begun_.insert(step_id);
  const auto made = made_.extract(step_id);
  lock.unlock();
  return made && std::rename(made.mapped().c_str(), artifacts_dir.c_str()) == 0;
}

}  // namespace osiris::worker
