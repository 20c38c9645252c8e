// Writes YAML as PyYAML's dumper does (block style, keys sorted, width 120, UTF-8 unescaped, "---" and "..."), byte for
// byte: manifests are compared and hashed. yaml-cpp's emitter chooses other styles, so this one is ours.
#pragma once

#include <string>

#include "protocol/base/json.h"

namespace osiris {

std::string emit_yaml(const Json& document);

}  // namespace osiris
