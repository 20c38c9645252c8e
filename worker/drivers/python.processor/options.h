// The step's config, read once. The host has checked it against spec.yaml; a worker takes plans from others too, so
// what would be dangerous if it were wrong (types that become SQL, requirements that become arguments) is checked
// again.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::python {

enum class Format { kParquet, kCsv, kNdjson };
std::string_view format_name(Format format);
std::string_view file_suffix(Format format);  // ".parquet"

struct Options {
  std::string script;  // a path of the pipeline; empty: `code` is the script
  std::string code;
  std::vector<std::string> files;
  std::vector<std::string> requirements;  // sorted, each once
  std::string python = "python3";
  std::vector<std::string> args;
  Json params = Json::object();
  Format format = Format::kParquet;
  std::vector<std::pair<std::string, std::string>> columns;  // name and type; empty: as the file says

  // For messages: "score.py", or "the step's code".
  std::string name() const { return script.empty() ? "the step's code" : script; }
};

// kInvalidArgument with the key's name.
Result<Options> read_options(const Json& config);

// Sorted, each once; kInvalidArgument for one that pip would take for an option.
Result<std::vector<std::string>> read_requirements(const Json& list);

}  // namespace osiris::worker::python
