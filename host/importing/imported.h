// What another tool's files become: pipelines as far as it goes, and in words what is left to a person.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/base/json.h"

namespace osiris {

struct ImportedPipeline {
  std::string name;  // and that of its file, without ".yaml"
  Json document;     // OML
};

struct Imported {
  std::vector<ImportedPipeline> pipelines;
  std::map<std::string, std::string> connections;  // alias -> family, of those that pipelines name
  std::vector<std::string> left;                   // "streams.orders.hooks: has no counterpart"
};

// {"id","component","mode","needs"?,"config"}.
Json imported_step(const std::string& id, const std::string& component, const std::string& mode, Json config,
                   const std::vector<std::string>& needs = {});
// A pipeline of these steps.
ImportedPipeline imported_pipeline(const std::string& name, std::vector<Json> steps);

// "filesystem.csv_extractor" for data/x.csv and "extractor"; empty for a suffix that no component reads or writes.
std::string file_component(const std::string& path, const std::string& kind);

// The step `read` or `write` of files at `path`, as file_component() finds it. CSV files of a pattern are shards: the
// component reads one file.
Json imported_file_step(const std::string& path, const std::string& kind);

// A word of another tool as an id: letters, digits, - and _.
std::string imported_id(std::string_view text);

}  // namespace osiris
