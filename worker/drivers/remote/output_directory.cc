#include "worker/drivers/remote/output_directory.h"

#include "worker/drivers/remote/location.h"
#include "worker/drivers/remote/outputs.h"

namespace osiris::worker::remote {

OutputDirectory::OutputDirectory(StepContext& step, const OutputFile& file)
    : step_(step), file_(file), directory_(file.target) {
  if (is_remote(file.path)) set_.emplace(step, file.path);
}

Status OutputDirectory::open(bool create_dirs, const std::vector<std::string_view>& suffixes) {
  if (set_) OSIRIS_TRY(set_->look(suffixes));
  return directory_.open(create_dirs);
}

Status OutputDirectory::deliver(const std::vector<WrittenFile>& files) {
  OSIRIS_TRY(directory_.commit());
  if (set_) {
    std::vector<SetFile> objects;
    for (const WrittenFile& file : files) objects.push_back({directory_.target() / file.name, file.name, file.rows});
    const Status delivered = set_->deliver(objects);
    std::error_code ignored;
    std::filesystem::remove_all(directory_.target(), ignored);
    return delivered;
  }
  std::string path = file_.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  for (const WrittenFile& file : files)
    OSIRIS_TRY(step_.add_output({path + "/" + file.name, directory_.target() / file.name}, file.rows, file.digest));
  return {};
}

Result<OutputFile> output_place(const StepContext& step, bool is_directory) {
  std::string path = step.config()["path"].as_string();
  if (path.empty()) return Error(Code::kInvalidArgument, "Step " + step.step_id() + ": 'path' is required in config");
  while (is_directory && is_remote(path) && path.ends_with('/')) path.pop_back();
  return output_file(step, path);
}

Status check_place(const OutputFile& file, bool is_directory, bool create_dirs) {
  if (!is_directory) return check_output(file, create_dirs);
  return is_remote(file.path) ? Status() : check_replaceable(file.target, create_dirs);
}

}  // namespace osiris::worker::remote
