// A file system of a few KiB or MiB in place of a directory, which is soon full.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

namespace osiris::test {

class SmallDisk {
 public:
  // Makes the directory where it is not there; what is in it cannot be seen meanwhile.
  SmallDisk(std::filesystem::path at, const std::string& size) : at_(std::move(at)) {
    std::filesystem::create_directories(at_);
    is_mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  const std::filesystem::path& path() const { return at_; }

 private:
  const std::filesystem::path at_;
  bool is_mounted_ = false;
};

}  // namespace osiris::test

// In a test, once the disk is there: a machine without the right to mount one cannot run the rest of it, and CI may not
// be such a machine.
#define OSIRIS_NEEDS_DISK(disk)                                             \
  if (!(disk).is_mounted()) {                                               \
    if (std::getenv("CI")) FAIL() << "CI needs the right to mount a tmpfs"; \
    GTEST_SKIP() << "no right to mount a tmpfs here";                       \
  }                                                                         \
  static_assert(true)
