#include "host/adapters/abi_text.h"

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {

std::string abi_copy(osiris_str text) { return valid_utf8(abi_view(text)); }

}  // namespace osiris
