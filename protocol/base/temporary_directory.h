// A directory of its own among the system's temporary files, removed with everything in it.
#pragma once

#include <filesystem>

#include "protocol/base/error.h"

namespace osiris {

class TemporaryDirectory {
 public:
  // Below $TMPDIR or /tmp, for this user only.
  static Result<TemporaryDirectory> make();

  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;  // empty: moved from
};

}  // namespace osiris
