// Which files a step reads and writes, and whether two steps would meet in one of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/components/registry.h"
#include "host/yaml/node.h"
#include "protocol/base/error.h"

namespace osiris {

struct StepFiles {
  std::vector<StepFile> reads;
  std::vector<StepFile> writes;
  // On no disk of this machine; `absolute` is no path, and the same only for the same object of the same connection.
  std::vector<StepFile> addresses;  // read
  std::vector<StepFile> written_addresses;
};

// Where relative paths of a step with these connection fields start.
std::filesystem::path start_of_paths(const ComponentSpec& spec, const Json& connection_fields,
                                     const std::filesystem::path& work_dir);

// By the spec's `x-osiris` reads, writes and base_dir. `connection_fields` is an object, or null for a step without a
// connection. Relative paths, and a relative base_dir, start in work_dir.
StepFiles find_step_files(const ComponentSpec& spec, const Json& cfg, const Json& connection_fields,
                          const std::filesystem::path& work_dir);

// Those whose paths name a shard: where they are is known when the shards are.
void leave_out_files_of_shards(StepFiles& files);

// What the plan names: files that belong to an input too (`beside` of the spec) and outputs that are read first, where
// they are there, and each pattern's files in the place of it, spelled as the pipeline would spell them; nothing where
// it finds none.
Result<std::vector<StepFile>> planned_reads(const ComponentSpec& spec, const StepFiles& files);

// Finds two names for one place among the files of a pipeline. Symlinks, hard links and ".." are seen through.
class FileConflicts {
 public:
  FileConflicts(std::filesystem::path work_dir, Diagnostics& diagnostics)
      : work_dir_(std::move(work_dir)), diagnostics_(diagnostics) {}

  struct Step {
    std::string id;
    std::string location;              // "steps[2].config"
    const YamlNode* config = nullptr;  // for positions; may be null
    StepFiles files;
  };
  void add(Step step) { steps_.push_back(std::move(step)); }
  void check();

 private:
  struct Use {
    const Step* step;
    const StepFile* file;
    std::string place;
  };
  std::vector<Use> check_writers();
  void check_reader(const Step& step, const StepFile& file, const std::vector<Use>& written);
  static bool meets(const StepFile& read, const std::string& place, const Use& use);
  void check_symlink(const Step& step, const StepFile& file);

  std::filesystem::path work_dir_;
  Diagnostics& diagnostics_;
  std::vector<Step> steps_;
};

}  // namespace osiris
