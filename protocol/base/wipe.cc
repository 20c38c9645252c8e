#include "protocol/base/wipe.h"

#include <string.h>

namespace osiris {

void wipe(char* data, size_t size_bytes) { ::explicit_bzero(data, size_bytes); }

void wipe(std::string& text) {
  text.resize(text.capacity());  // never allocates
  wipe(text.data(), text.size());
  text.clear();
}

void wipe(Json& value) {
  if (value.is_string()) {
    // as_string() refers to the value's own bytes, which are ours to change.
    wipe(const_cast<std::string&>(value.as_string()));
  } else if (value.is_array()) {
    for (Json& item : value.items()) wipe(item);
  } else if (value.is_object()) {
    for (Json::Member& member : value.members()) wipe(member.second);
  }
}

}  // namespace osiris
