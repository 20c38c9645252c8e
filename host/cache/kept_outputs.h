// The kept outputs of a project, .osiris/cache/outputs: for each key a description and a Parquet file with its rows.
//
//   outputs/ab/<key>.json                 when it was last used is its modification time
//   outputs/ab/<key>-<16 of sha256>.parquet
//
// A description is written last and at once, and names its file by the hash of the bytes: two runs that fill one entry
// leave one of the two, whole. What is damaged is removed when it is met, and counts as not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/cache/file_hashes.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"

namespace osiris {

struct KeptEntry {
  std::string key;
  std::string content;  // by which steps that read these rows are told from those that read others
  std::string pipeline_id, step_id, component, run_id;
  int64_t created_unix_ns = 0;
  uint64_t size_bytes = 0;
  std::string sha256;  // of the file
  uint64_t rows_read = 0, rows_out = 0;
  std::vector<uint64_t> shard_rows;  // of each shard of the step; empty: it has none
  std::filesystem::path file;
  std::filesystem::file_time_type used_at;
};

class KeptOutputs {
 public:
  // `directory`: .osiris/cache of the project. The hashes outlive the object.
  KeptOutputs(std::filesystem::path directory, uint64_t bytes_max, FileHashes& hashes)
      : directory_(std::move(directory)), bytes_max_(bytes_max), hashes_(hashes) {}

  uint64_t bytes_max() const { return bytes_max_; }
  // nullopt: nothing is kept of this key, or what was is damaged, which `damaged` says then.
  std::optional<KeptEntry> find(const std::string& key, std::string& damaged);
  // It was of use: others go before it.
  void touch(const KeptEntry& entry) const;
  // Takes `rows` away from its place. `entry.file` is filled in. Then what was not used for longest goes, until all is
  // within the bound.
  Status put(KeptEntry entry, const std::filesystem::path& rows);

  // Without a look at the rows; newest use first.
  std::vector<KeptEntry> list() const;
  struct Cleared {
    size_t entries = 0;
    uint64_t bytes = 0;
  };
  // Those of a pipeline, or all.
  Result<Cleared> clear(const std::string& pipeline_id);

 private:
  std::filesystem::path entry_file(const std::string& key) const;
  std::optional<KeptEntry> read(const std::filesystem::path& file) const;
  void remove(const KeptEntry& entry) const;
  void keep_within_bound() const;

  const std::filesystem::path directory_;
  const uint64_t bytes_max_;
  FileHashes& hashes_;
};

}  // namespace osiris
