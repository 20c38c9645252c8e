// The files of a step's `path`, wherever they are: of this machine as files/places.h finds them, those behind https://
// and s3:// as the engine can read them by ranges, or as copies in the step's scratch directory.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/virtual_files.h"
#include "worker/drivers/remote/read_ahead.h"
#include "worker/drivers/remote/store.h"

namespace osiris::worker::remote {

// An object that is read by ranges.
class RemoteFile : public VirtualFile {
 public:
  // The object's size is known. `tail_bytes`: that are fetched at once, and kept, when the first of them is read.
  RemoteFile(std::shared_ptr<Store> store, Object object, uint64_t tail_bytes)
      : store_(std::move(store)),
        object_(std::move(object)),
        tail_at_(*object_.size - std::min(*object_.size, tail_bytes)) {}

  uint64_t size_bytes() const override { return *object_.size; }
  Status read(uint64_t at, char* buffer, size_t size) override;
  // Fetches the first and the last bytes, which a reader of Parquet asks for first. That the last could not be fetched
  // is what read() of them says then.
  void fetch_ends();
  // Before the first read() of more than those. `place`: the file's there.
  void use(std::shared_ptr<ReadAhead> ahead, size_t place) { ahead_ = std::move(ahead), place_ = place; }
  // The first one of read(). [any thread]
  Status failure() const;
  const Object& object() const { return object_; }
  uint64_t tail_at() const { return tail_at_; }

 private:
  using Bytes = std::shared_ptr<const std::string>;
  Status fetch(uint64_t at, char* buffer, size_t size);
  Result<Bytes> tail();

  const std::shared_ptr<Store> store_;
  const Object object_;
  const uint64_t tail_at_;
  std::shared_ptr<ReadAhead> ahead_;  // null: none
  size_t place_ = 0;
  mutable std::mutex mutex_;
  std::string head_;  // empty: not fetched
  Bytes tail_;        // where all of a Parquet file's metadata is, or its end; null: not fetched
  Status tail_failure_;
  Status failure_;
};

struct Inputs {
  std::vector<MatchedFile> files;
  std::vector<std::shared_ptr<RemoteFile>> remote;  // those of `files` that are read by ranges
  std::shared_ptr<Store> ahead;                     // for what is fetched ahead of `remote`; null: there are none

  // `error`, or what a server said where that was its cause.
  Error cause_of(const Error& error) const;
  // Reads of `remote`, in their order, are fetched ahead from here on. `layouts`: one for each; without groups where it
  // is not known.
  void read_ahead(std::vector<FileLayout> layouts) const;
};

enum class Use { kRanges, kBytes };

// At least one file; `kind` names it in errors, "Parquet". With kRanges a server that serves no parts of files is
// copied from all the same.
Result<Inputs> input_files(StepContext& step, const std::string& path, std::string_view kind, Use use);

// For describe(), which asks no server: kUnsupported where the step's path is an address.
Status stays_here(const StepContext& step);

}  // namespace osiris::worker::remote
