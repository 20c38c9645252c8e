// Where the files of a writer's partition_by go: to a directory of this machine, put in place whole, or as a set of
// objects of s3://.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/replacing_directory.h"
#include "protocol/base/sha256.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/remote/output_set.h"

namespace osiris::worker::remote {

struct WrittenFile {
  std::string name;  // below the directory: "year=2025/data_0.parquet"
  uint64_t rows = 0;
  std::optional<FileDigest> digest = std::nullopt;
};

class OutputDirectory {
 public:
  // `file` is output_file()'s, with a directory as its path.
  OutputDirectory(StepContext& step, const OutputFile& file);

  // Looks at what is there; of a bucket, only what ends in one of `suffixes` is replaced.
  Status open(bool create_dirs, const std::vector<std::string_view>& suffixes);
  // Where to make the files.
  const std::filesystem::path& staging() const { return directory_.staging(); }
  // They are all made: they are put in place and declared, or sent.
  Status deliver(const std::vector<WrittenFile>& files);

 private:
  StepContext& step_;
  const OutputFile file_;
  ReplacingDirectory directory_;
  std::optional<OutputSet> set_;
};

// The key `path`, of a file or of a directory. kInvalidArgument where it is not given.
Result<OutputFile> output_place(const StepContext& step, bool is_directory);

// Whether it could be written; nothing is known of one in a bucket.
Status check_place(const OutputFile& file, bool is_directory, bool create_dirs);

}  // namespace osiris::worker::remote
