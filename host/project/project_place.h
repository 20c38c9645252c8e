// Which project a command works in. As git finds a repository: the nearest directory, from the working directory up,
// that holds an osiris.yaml, or an osiris.py, the mark of trees of Python Osiris.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/project/environment.h"

namespace osiris {

struct ProjectPlace {
  // A project in this directory.
  ProjectPlace(std::filesystem::path project = {}) : directory(std::move(project)), base(directory) {}

  // Absolute. osiris.yaml, connections and .env are read here, and relative paths of pipelines start here. Outside a
  // project: the working directory.
  std::filesystem::path directory;
  // Builds, sessions and indexes, unless filesystem.base_path says otherwise. Outside a project: the user's state.
  std::filesystem::path base;
  bool is_project = true;
  // Marks above the working directory that count for nothing, each with the reason: another user put them there.
  std::vector<std::string> warnings;
};

ProjectPlace find_project(const std::filesystem::path& working_directory, const Environment& environment);

}  // namespace osiris
