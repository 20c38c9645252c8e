// The JSON Schemas that a project keeps for its editors.
#pragma once

#include <filesystem>

#include "host/components/registry.h"
#include "protocol/base/error.h"

namespace osiris {

// Where they are, from the project's directory. The first line of a pipeline may name it for yaml-language-server.
inline constexpr const char* kPipelineSchemaFile = ".osiris/schemas/pipeline.json";
inline constexpr const char* kConnectionsSchemaFile = ".osiris/schemas/connections.json";

// Writes both, each atomically.
Status write_schemas(const std::filesystem::path& project, const ComponentRegistry& registry);

}  // namespace osiris
