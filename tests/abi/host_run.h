// A project in which the real `osiris` runs an example pipeline with the test's adapters and defects.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/project.h"

namespace osiris::e2e {

namespace fs = std::filesystem;

inline fs::path plugins() { return build_dir() / "tests/abi/plugins"; }
inline fs::path fixtures() { return source_dir() / "tests/fixtures/examples"; }

class HostRun : public ::testing::Test {
 protected:
  HostRun() {
    for (const char* entry : {"01-csv-duckdb-csv.yaml", "data"})
      fs::copy(fixtures() / entry, project_.dir() / entry, fs::copy_options::recursive);
  }
  Outcome run(const std::string& adapter, const fs::path& directory, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"run",   "01-csv-duckdb-csv.yaml", "--adapter",
                                      adapter, "--adapter-dir",          directory.string()};
    words.insert(words.end(), more.begin(), more.end());
    return project_.osiris(words);
  }
  // A directory with the adapter `defect`, which commits this sin.
  fs::path directory_of(const std::string& sin) {
    project_.write("adapters/defect.adapter.toml",
                   "manifest_version = 1\nid = \"defect\"\nversion = \"1.0.0\"\n[library]\nlinux_amd64 = \"" +
                       (build_dir() / "tests/abi/defects" / (sin + ".so")).string() + "\"\n");
    return project_.dir() / "adapters";
  }
  Outcome run_defect(const std::string& sin, const std::vector<std::string>& more = {}) {
    fs::create_directories(project_.dir() / "out");
    return run("defect", directory_of(sin), more);
  }
  Running start_defect(const std::string& sin, const std::vector<std::string>& more = {}) {
    fs::create_directories(project_.dir() / "out");
    std::vector<std::string> words = {"run",    "01-csv-duckdb-csv.yaml", "--adapter",
                                      "defect", "--adapter-dir",          directory_of(sin).string()};
    words.insert(words.end(), more.begin(), more.end());
    return project_.start(words);
  }
  Project project_;
};

}  // namespace osiris::e2e
