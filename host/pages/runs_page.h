// All runs of a project as a page: the history, how long runs take, what fails.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/project/run_index.h"

namespace osiris {

struct RunsPageOptions {
  std::string project;              // the name of its directory
  std::filesystem::path directory;  // where the page is going to be: links to pages of runs start there
  std::string osiris_version;
};

// `records` newest first, with the status of now. The newest thousand runs are listed; the figures are of all.
std::string runs_page(const std::vector<RunRecord>& records, const RunsPageOptions& options);

// Where `osiris report` and `report: true` put the page of a run.
std::filesystem::path page_of_run(const RunRecord& record);

}  // namespace osiris
