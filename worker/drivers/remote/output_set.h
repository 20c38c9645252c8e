// A directory of files as a set of objects of s3://. All of them are sent before the first one is seen: a failure or a
// cancel until then leaves the old set as it was. Then they are completed, a few at a time, and after the last one the
// old set's objects that the new one does not have are removed. A service has no request that replaces several objects
// at once, so a reader may see both kinds while that is done; what stops it there says how far it came.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/remote/location.h"

namespace osiris::worker::remote {

struct SetFile {
  std::filesystem::path file;
  std::string name;  // below the set's path: "year=2025/data_0.parquet"
  uint64_t rows = 0;
};

class OutputSet {
 public:
  // `path` is s3://bucket/directory, with or without a slash at its end.
  OutputSet(StepContext& step, const std::string& path);

  // Looks at what is there. Only a set may be replaced: kInvalidArgument where an object below the path is in no
  // directory called key=value or ends in none of `suffixes`.
  Status look(const std::vector<std::string_view>& suffixes);
  // After look(). An event objects_written tells of it.
  Status deliver(const std::vector<SetFile>& files);

 private:
  Status remove_stale(const std::vector<SetFile>& files, size_t& removed);

  StepContext& step_;
  const std::string path_;        // without a slash at its end
  std::vector<std::string> old_;  // names of the objects that are there
};

}  // namespace osiris::worker::remote
