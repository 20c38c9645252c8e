#include "host/adapters/abi_text.h"

#include "protocol/base/text.h"

namespace osiris {

std::string abi_copy(osiris_str text) {
  const std::string_view bytes = abi_view(text);
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string clean;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = 1;
    // The shortest valid sequence that starts here, if any.
    while (length <= 4 && at + length <= bytes.size() && !is_valid_utf8(bytes.substr(at, length))) ++length;
    if (length <= 4 && at + length <= bytes.size()) {
      clean.append(bytes.substr(at, length));
      at += length;
    } else {
      clean.append("\xEF\xBF\xBD");
      ++at;
    }
  }
  return clean;
}

}  // namespace osiris
