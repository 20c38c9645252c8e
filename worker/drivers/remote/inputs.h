// The files of a step's `path`, wherever they are: of this machine as files/places.h finds them, those behind https://
// and s3:// as the engine can read them by ranges, or as copies in the step's scratch directory.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/virtual_files.h"
#include "worker/drivers/remote/store.h"

namespace osiris::worker::remote {

// An object that is read by ranges.
class RemoteFile : public VirtualFile {
 public:
  // The object's size is known.
  RemoteFile(std::shared_ptr<Store> store, Object object) : store_(std::move(store)), object_(std::move(object)) {}

  uint64_t size_bytes() const override { return *object_.size; }
  Status read(uint64_t at, char* buffer, size_t size) override;
  // The first one of read(). [any thread]
  Status failure() const;
  const Object& object() const { return object_; }

 private:
  Status fetch(uint64_t at, char* buffer, size_t size);

  const std::shared_ptr<Store> store_;
  const Object object_;
  mutable std::mutex mutex_;
  std::string tail_;  // the last bytes, where all of a Parquet file's metadata is, or its end
  Status failure_;
};

struct Inputs {
  std::vector<MatchedFile> files;
  std::vector<std::shared_ptr<RemoteFile>> remote;  // those of `files` that are read by ranges

  // `error`, or what a server said where that was its cause.
  Error cause_of(const Error& error) const;
};

enum class Use { kRanges, kBytes };

// At least one file; `kind` names it in errors, "Parquet". With kRanges a server that serves no parts of files is
// copied from all the same.
Result<Inputs> input_files(StepContext& step, const std::string& path, std::string_view kind, Use use);

// For describe(), which asks no server: kUnsupported where the step's path is an address.
Status stays_here(const StepContext& step);

}  // namespace osiris::worker::remote
