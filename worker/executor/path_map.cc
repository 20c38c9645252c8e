#include "worker/executor/path_map.h"

#include <algorithm>
#include <string>
#include <utility>

namespace osiris::worker {

PathMap::PathMap(std::filesystem::path work_dir, std::vector<rpc::PathMapping> mappings)
    : work_dir_(std::move(work_dir)), mappings_(std::move(mappings)) {
  std::stable_sort(mappings_.begin(), mappings_.end(),
                   [](const auto& a, const auto& b) { return a.from.size() > b.from.size(); });
}

std::filesystem::path PathMap::resolve(std::string_view path) const {
  const std::string absolute = (work_dir_ / std::filesystem::path(path)).lexically_normal().string();
  for (const rpc::PathMapping& mapping : mappings_) {
    std::string_view from = mapping.from;
    while (from.size() > 1 && from.ends_with('/')) from.remove_suffix(1);
    if (!std::string_view(absolute).starts_with(from)) continue;
    const std::string_view rest = std::string_view(absolute).substr(from.size());
    if (rest.empty()) return mapping.to;
    if (rest.front() == '/') return std::filesystem::path(mapping.to) / rest.substr(1);
    if (from == "/") return std::filesystem::path(mapping.to) / rest;
  }
  return absolute;
}

}  // namespace osiris::worker
