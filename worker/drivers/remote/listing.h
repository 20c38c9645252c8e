// A page of ListObjectsV2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::remote {

struct ListedObject {
  std::string key, etag;
  uint64_t size = 0;
};

struct Listing {
  std::vector<ListedObject> objects;
  std::string next;  // asks for the next page; empty: this is the last one
};

// kStepFailed for what is no such page.
Result<Listing> read_listing(std::string_view xml);

// The text of the first element of this name, its entities replaced; empty where there is none.
std::string element_of(std::string_view xml, const std::string& name);

}  // namespace osiris::worker::remote
