// The licences of what is linked into the worker: THIRD_PARTY.md, compiled in.
#pragma once

#include <string_view>

namespace osiris::worker {

std::string_view third_party_text();

}  // namespace osiris::worker
