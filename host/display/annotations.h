// Findings as build servers show them beside the lines of a change. GitHub Actions: its workflow commands
// (docs.github.com, "Workflow commands for GitHub Actions", error and warning), one line each. GitLab: a report of code
// quality (docs.gitlab.com, "Code Quality", "Import Code Quality results from a CI/CD job"), a JSON document.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/project/environment.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// Inside a job of GitHub Actions, whose log reads such lines.
bool wants_annotations(const Environment& process_environment);

// "::error file=p.yaml,line=3,col=5,title=sql_error::…" with a line end. The file is given from the repository's root
// (GITHUB_WORKSPACE) where it is below it. `cwd` is where a relative file starts.
std::string annotation(const Diagnostic& finding, const std::filesystem::path& cwd,
                       const Environment& process_environment);

// GitLab's: an array of issues. Files are given from the repository's root (CI_PROJECT_DIR) where they are below it.
// A finding has the same fingerprint wherever in the file it stands.
std::string code_quality(const std::vector<Diagnostic>& findings, const std::filesystem::path& cwd,
                         const Environment& process_environment);

}  // namespace osiris
