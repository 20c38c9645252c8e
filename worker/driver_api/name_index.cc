#include "worker/driver_api/name_index.h"

#include <utility>

#include "protocol/base/text.h"

namespace osiris::worker {

void NameIndex::add(std::string name) {
  places_[ascii_lower(name)].push_back(names_.size());
  names_.push_back(std::move(name));
}

std::optional<size_t> NameIndex::find(std::string_view name) const {
  const auto found = places_.find(ascii_lower(name));
  if (found == places_.end()) return std::nullopt;
  for (const size_t place : found->second)
    if (names_[place] == name) return place;
  return found->second.front();
}

}  // namespace osiris::worker
