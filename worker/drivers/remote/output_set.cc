#include "worker/drivers/remote/output_set.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/side_by_side.h"
#include "worker/drivers/remote/store.h"
#include "worker/drivers/remote/upload.h"

namespace osiris::worker::remote {
namespace {

constexpr size_t kAtOnce = 4;

std::string without_slash(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

// Whether a name is "key=value/…/file" with one of the suffixes.
bool is_of_a_set(std::string_view name, const std::vector<std::string_view>& suffixes) {
  if (std::none_of(suffixes.begin(), suffixes.end(), [&](std::string_view end) { return name.ends_with(end); }))
    return false;
  size_t directories = 0;
  for (size_t slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/'), ++directories) {
    const size_t equals = name.substr(0, slash).find('=');
    if (equals == std::string_view::npos || equals == 0) return false;
    name.remove_prefix(slash + 1);
  }
  return directories > 0;
}

// Each of `count`, a few at a time; the first error ends it.
Status for_each(size_t count, const std::function<Status(size_t)>& act) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status failed;
  const auto work = [&](size_t) {
    for (size_t i = next++; i < count; i = next++) {
      const Status done = act(i);
      if (done.ok()) continue;
      next = count;
      const std::lock_guard lock(mutex);
      if (failed.ok()) failed = done;
    }
  };
  side_by_side(std::min(kAtOnce, count), work);
  return failed;
}

// `error`, with what is left at the service of uploads that are not done.
Error with_aborted(Error error, std::vector<std::unique_ptr<StagedUpload>>& uploads) {
  std::atomic<size_t> left{0};
  (void)for_each(uploads.size(), [&](size_t i) {
    if (uploads[i] && !uploads[i]->abort().ok()) ++left;
    return Status();
  });
  if (left > 0) error.message += "; " + std::to_string(left) + " unfinished uploads could not be aborted";
  return error;
}

}  // namespace

OutputSet::OutputSet(StepContext& step, const std::string& path) : step_(step), path_(without_slash(path)) {}

Status OutputSet::look(const std::vector<std::string_view>& suffixes) {
  OSIRIS_ASSIGN(const Location place, read_location(path_));
  OSIRIS_ASSIGN(const std::shared_ptr<Store> store, Store::open(step_, place));
  const std::string directory = place.key + "/";
  OSIRIS_ASSIGN(const std::vector<std::string> keys, store->keys(place.bucket, directory));
  const auto refused = [&](const std::string& why) {
    return Error(Code::kInvalidArgument, "cannot write the directory " + path_ + "/: " + why,
                 "give the path of a new directory, or of one that such a step wrote", category::kWriteFailed);
  };
  for (const std::string& key : keys) {
    if (!key.starts_with(directory)) continue;
    const std::string name = key.substr(directory.size());
    // What some tools put there for an empty directory.
    if (name.empty()) continue;
    if (!is_of_a_set(name, suffixes))
      return refused("it would be replaced as a whole, and it holds " + name + ", which is none of its files");
    old_.push_back(name);
  }
  return {};
}

Status OutputSet::deliver(const std::vector<SetFile>& files) {
  const std::shared_ptr<web::Client> client = sending_client(step_);
  std::vector<std::unique_ptr<StagedUpload>> uploads(files.size());
  uint64_t all = 0, rows = 0;
  for (const SetFile& file : files) {
    std::error_code failed;
    all += std::filesystem::file_size(file.file, failed);
    if (failed) return errno_error(failed.value(), "cannot read", file.file);
    rows += file.rows;
  }
  std::mutex mutex;
  uint64_t sent = 0;
  const Status staged = for_each(files.size(), [&](size_t i) -> Status {
    OSIRIS_ASSIGN(const Location place, read_location(path_ + "/" + files[i].name));
    OSIRIS_ASSIGN(uploads[i], stage(step_, client, place, files[i].file));
    std::error_code failed;
    const uint64_t size = std::filesystem::file_size(files[i].file, failed);
    const std::lock_guard lock(mutex);
    if (!failed) sent += size;
    step_.progress_bytes(sent, all);
    return {};
  });
  if (!staged.ok()) return with_aborted(staged.error(), uploads);

  std::atomic<size_t> completed{0};
  const Status done = for_each(files.size(), [&](size_t i) -> Status {
    // complete() aborts what fails.
    const std::unique_ptr<StagedUpload> upload = std::move(uploads[i]);
    const auto result = upload->complete();
    if (!result.ok()) return result.error();
    ++completed;
    return {};
  });
  if (!done.ok()) {
    Error error = with_aborted(done.error(), uploads);
    if (completed > 0) {
      error.message += "; " + std::to_string(completed) + " of the " + std::to_string(files.size()) + " objects of " +
                       path_ + "/ are of this run, and the others are as they were";
      error.hint += std::string(error.hint.empty() ? "" : "; ") + "a further run writes all of them again";
    }
    return error;
  }
  size_t removed = 0;
  OSIRIS_TRY(remove_stale(files, removed));
  step_.event("objects_written", Json::object({{"path", path_ + "/"},
                                               {"objects", files.size()},
                                               {"rows", rows},
                                               {"size_bytes", all},
                                               {"removed", removed}}));
  return {};
}

Status OutputSet::remove_stale(const std::vector<SetFile>& files, size_t& removed) {
  std::set<std::string> names;
  for (const SetFile& file : files) names.insert(file.name);
  std::vector<std::string> stale;
  for (const std::string& name : old_)
    if (!names.contains(name)) stale.push_back(name);
  OSIRIS_ASSIGN(const Location place, read_location(path_));
  OSIRIS_ASSIGN(const std::shared_ptr<Store> store, Store::open(step_, place));
  std::atomic<size_t> gone{0};
  const Status done = for_each(stale.size(), [&](size_t i) -> Status {
    OSIRIS_ASSIGN(const Location object, read_location(path_ + "/" + stale[i]));
    OSIRIS_TRY(store->remove(object));
    ++gone;
    return {};
  });
  removed = gone;
  if (done.ok()) return {};
  Error error = done.error();
  error.message =
      "the new objects of " + path_ + "/ are all there, and " + std::to_string(stale.size() - gone) +
      " objects of the old ones, which a reader takes for rows of the new ones, could not be removed: " + error.message;
  error.hint = "the connection's keys need s3:DeleteObject; a further run removes them";
  return error;
}

}  // namespace osiris::worker::remote
