// What the worker knows of the component specs it was built with: their hashes, for the handshake, and which fields
// hold secrets. The table is generated from worker/drivers/*/spec.yaml by worker/specs/CMakeLists.txt; the specs
// themselves are installed for the host, which validates with them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace osiris::worker {

struct ComponentSpec {
  std::string_view name;             // "mysql.extractor"
  std::string_view sha256;           // of the spec file's bytes
  std::string_view secret_pointers;  // JSON pointers of `secrets` and `x-secret`, separated by blanks
};

// Sorted by name.
std::span<const ComponentSpec> component_specs();
const ComponentSpec* find_component_spec(std::string_view name);

// SHA-256 over the lines "<name> NUL <sha256 of the spec's bytes> LF", sorted by name.
std::string specs_sha256();

}  // namespace osiris::worker
