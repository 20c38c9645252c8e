// Findings as GitHub Actions shows them beside the lines of a pull request: its workflow commands
// (docs.github.com, "Workflow commands for GitHub Actions", error and warning), one line each.
#pragma once

#include <filesystem>
#include <string>

#include "host/project/environment.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// Inside a job of GitHub Actions, whose log reads such lines.
bool wants_annotations(const Environment& process_environment);

// "::error file=p.yaml,line=3,col=5,title=sql_error::…" with a line end. The file is given from the repository's root
// (GITHUB_WORKSPACE) where it is below it. `cwd` is where a relative file starts.
std::string annotation(const Diagnostic& finding, const std::filesystem::path& cwd,
                       const Environment& process_environment);

}  // namespace osiris
