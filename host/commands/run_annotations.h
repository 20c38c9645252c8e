// What a build server shows at the lines of a pipeline after a run: steps that failed, and rows that failed checks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/commands/context.h"
#include "host/commands/run_options.h"
#include "host/compiler/compiler.h"
#include "host/run/masking.h"
#include "host/run/report.h"

namespace osiris {

// What is wrong with a run, at its places in the pipeline, masked. `file`: the pipeline, as the user named it.
std::vector<Diagnostic> findings_of_run(const RunReport& report, const CompiledPipeline& pipeline,
                                        const std::filesystem::path& file, const Masking& masking);

// The same of findings of any kind.
std::vector<Diagnostic> masked(std::vector<Diagnostic> findings, const Masking& masking);

// On stderr, and only where a build server reads it.
void print_annotations(const CommandContext& context, const std::vector<Diagnostic>& findings);

// What --report's files are made of.
struct ReportTexts {
  std::string junit;
  std::vector<Diagnostic> findings;
};
// Each file in its form: "junit", or "gitlab", GitLab's report of code quality.
Status write_reports(const CommandContext& context, const std::vector<ReportFile>& files, const ReportTexts& texts);

}  // namespace osiris
