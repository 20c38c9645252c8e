#include "worker/specs/specs.h"

#include "protocol/base/sha256.h"

namespace osiris::worker {

const ComponentSpec* find_component_spec(std::string_view name) {
  for (const ComponentSpec& spec : component_specs()) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::string specs_sha256() {
  std::string lines;
  for (const ComponentSpec& spec : component_specs()) {
    lines += spec.name;
    lines += '\0';
    lines += spec.sha256;
    lines += '\n';
  }
  return sha256_hex(lines);
}

}  // namespace osiris::worker
