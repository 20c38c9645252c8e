// What a build server shows at the lines of a pipeline after a run: steps that failed, and rows that failed checks.
#pragma once

#include <filesystem>

#include "host/commands/context.h"
#include "host/compiler/compiler.h"
#include "host/run/masking.h"
#include "host/run/report.h"

namespace osiris {

// On stderr, and only where a build server reads it. `file`: the pipeline, as the user named it.
void print_annotations(const CommandContext& context, const RunReport& report, const CompiledPipeline& pipeline,
                       const std::filesystem::path& file, const Masking& masking);

}  // namespace osiris
