// Where the paths of a plan are on this machine.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "protocol/rpc/params.h"

namespace osiris::worker {

class PathMap {
 public:
  PathMap() = default;
  PathMap(std::filesystem::path work_dir, std::vector<rpc::PathMapping> mappings);
  // Absolute and normalised; relative paths start in the work directory; the longest `from` that is the path or one of
  // its parents is replaced.
  std::filesystem::path resolve(std::string_view path) const;

 private:
  std::filesystem::path work_dir_;
  std::vector<rpc::PathMapping> mappings_;  // longest `from` first
};

}  // namespace osiris::worker
