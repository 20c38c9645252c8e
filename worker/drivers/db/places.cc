#include "worker/drivers/db/places.h"

#include <algorithm>

#include "worker/drivers/db/resolve.h"

namespace osiris::worker::db {

std::vector<Place> places_of(const std::string& host, const std::vector<std::string>& lent, Deadline& deadline,
                             std::chrono::seconds connect_timeout) {
  constexpr std::chrono::milliseconds kOwnLookupMax{3'000};
  std::optional<std::chrono::milliseconds> limit;
  if (!lent.empty()) limit = std::min(kOwnLookupMax, std::chrono::milliseconds(connect_timeout) / 2);
  const auto own = find_addresses(host, deadline, limit);
  std::vector<Place> places;
  if (own) places.push_back({host, {own->begin(), own->end()}});
  for (const std::string& address : lent)
    if (!own || own->count(address) == 0) places.push_back({address, {address}});
  return places;
}

}  // namespace osiris::worker::db
