// The specs in the sources as the build read and checked them (compile_specs.cc writes the table). An installed file
// with the same bytes need not be read as YAML again.
#pragma once

#include <span>
#include <string_view>

namespace osiris {

struct CompiledSpec {
  std::string_view sha256;  // of the file's bytes
  std::string_view name;
  std::string_view secret_fields;  // separated by blanks
  bool has_driver = false;
  std::string_view document;  // JSON
};

std::span<const CompiledSpec> compiled_specs();
// Null for other bytes.
const CompiledSpec* find_compiled_spec(std::string_view sha256);

}  // namespace osiris
