// The JSON Schemas that a project keeps for its editors.
#pragma once

#include <filesystem>

#include "host/components/registry.h"
#include "protocol/base/error.h"

namespace osiris {

// Writes those of pipelines, of connections and of osiris.yaml below .osiris/schemas, each atomically. The first line
// of a file may name its own for yaml-language-server.
Status write_schemas(const std::filesystem::path& project, const ComponentRegistry& registry);

}  // namespace osiris
