// A directory of files that appears all at once: filled under a temporary name beside its target and put in place at
// the end. Until then what is there is untouched; without commit() everything made on the way is removed again.
//
// Only what another run of the same kind may have left is replaced: a directory that holds nothing but directories
// called key=value and, in them or in it, Parquet files, or files of JSON called data_0.ndjson and the like. One other
// file, and the whole is refused.
#pragma once

#include <filesystem>

#include "protocol/base/error.h"
#include "protocol/base/parent_directories.h"

namespace osiris {

class ReplacingDirectory {
 public:
  explicit ReplacingDirectory(const std::filesystem::path& target);
  ~ReplacingDirectory();
  ReplacingDirectory(const ReplacingDirectory&) = delete;
  ReplacingDirectory& operator=(const ReplacingDirectory&) = delete;

  const std::filesystem::path& target() const { return target_; }
  // Where to put the files; exists after open().
  const std::filesystem::path& staging() const { return staging_; }

  Status open(bool create_dirs);
  // Whether the target may (still) be replaced.
  Status check_target() const;
  Status commit();

 private:
  std::filesystem::path target_;   // without a slash at its end
  std::filesystem::path staging_;  // empty: none
  ParentDirectories parents_;
};

// Whether the directory could be written, without touching anything.
Status check_replaceable(const std::filesystem::path& target, bool create_dirs);

}  // namespace osiris
