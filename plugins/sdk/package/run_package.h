// The index of a run package, which `prepare` delivers as the document "prepared" (docs/run-package.md): everything
// that will travel, by name, size and hash. The same request gives the same bytes, on any machine and in any directory
// order.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

struct PackageOptions {
  // Hash the input files. Off where they are read in place and nothing travels: a hash would cost a pass over the data.
  bool hash_inputs = true;
  std::vector<std::string> environment_names;                // names only, sorted
  std::vector<std::pair<std::string, std::string>> options;  // those that are not sensitive, in descriptor order
};

// Where the bytes of a package member come from: its path on this machine, or the text itself (plan.json).
struct PackageMember {
  std::string path;    // in the package: "plan.json", "cfg/write.json", "inputs/0001"
  std::string source;  // absolute; empty when `text` is it
  std::string text;
  std::string input_path;  // inputs: the path as the pipeline wrote it
};

// The members of the package, in a fixed order: plan.json, the step configs, the input files (each file once).
Result<std::vector<PackageMember>> package_members(const RunRequest& request);

// The document "prepared". An input file that does not exist has {"missing": true} for size and hash. kInvalidArgument
// for one that is to be hashed and is no regular file.
Result<Json> prepared_document(const RunRequest& request, const PackageOptions& options);

}  // namespace osiris::sdk
