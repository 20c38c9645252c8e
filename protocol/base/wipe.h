// Overwrites secrets with zeros, in a way that the compiler keeps, before their memory goes back to the allocator.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/base/json.h"

namespace osiris {

void wipe(char* data, size_t size_bytes);
// Also what a longer text has left behind its end; the text is empty afterwards.
void wipe(std::string& text);
void wipe(Json& value);  // every text in it, keys left out

}  // namespace osiris
