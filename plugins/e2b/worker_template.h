// The template a run needs when the user asks for a shape, an image or dependencies: this worker inside it, unpacked,
// and the environments of its python steps installed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugins/e2b/api/templates.h"
#include "plugins/e2b/config.h"
#include "plugins/e2b/run_inputs.h"

namespace osiris::e2b {

// Where osiris's files are in a template that it built.
inline constexpr const char* kTemplateRoot = "/opt/osiris";

// nullopt: the default, nothing was asked for. Writes what the build copies below the session's adapter directory.
Result<std::optional<TemplateSpec>> worker_template(const Config& config, const RunInputs& request,
                                                    const std::string& from_template);

}  // namespace osiris::e2b
