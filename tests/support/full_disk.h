// A server's disk that a test makes full: full_disk.c, preloaded into the server.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/file.h"

namespace osiris::test {

class FullDisk {
 public:
  // The server's own directory, and the one below it whose files shall not grow.
  FullDisk(const std::filesystem::path& directory, const std::string& below)
      : library_(directory / "full_disk.so"), switch_(directory / "disk-is-full"), below_(directory / below) {}

  // Puts the library where the server's user may read it. Before the server starts.
  Status install() const {
    const char* build = std::getenv("OSIRIS_BUILD_DIR");
    std::error_code failed;
    std::filesystem::copy_file(std::filesystem::path(build ? build : ".") / "tests/full_disk.so", library_, failed);
    return failed ? Status(errno_error(failed.value(), "cannot copy to", library_)) : Status();
  }
  std::vector<std::pair<std::string, std::string>> environment() const {
    return {{"LD_PRELOAD", library_.string()},
            {"OSIRIS_TEST_FULL_DISK", switch_.string()},
            {"OSIRIS_TEST_FULL_DISK_BELOW", below_.string()}};
  }
  void fill() const { (void)write_file_atomically(switch_, ""); }
  void empty() const {
    std::error_code ignored;
    std::filesystem::remove(switch_, ignored);
  }

 private:
  std::filesystem::path library_, switch_, below_;
};

}  // namespace osiris::test
