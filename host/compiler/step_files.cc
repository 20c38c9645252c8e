#include "host/compiler/step_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <unordered_map>

namespace osiris {
namespace {

namespace fs = std::filesystem;

// One key per place on disk: the inode of a file that exists, else the path with every existing symlink followed.
std::string canonical_path(const fs::path& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0)
    return "inode " + std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal().string() : canonical.string();
}

bool is_below(const fs::path& path, const fs::path& directory) {
  const auto [left, rest] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return left == directory.end() || (left->empty() && std::next(left) == directory.end());
}

Mark mark_of(const FileConflicts::Step& step, const StepFile& file) {
  const YamlNode* value = step.config ? step.config->find(file.key) : nullptr;
  return value ? value->mark : Mark{};
}

}  // namespace

StepFiles find_step_files(const ComponentSpec& spec, const Json& cfg, const Json& connection_fields,
                          const fs::path& work_dir) {
  fs::path start = work_dir;
  if (const std::string& base = connection_fields[spec.base_dir_field].as_string();
      !spec.base_dir_field.empty() && !base.empty())
    start = fs::path(base).is_absolute() ? fs::path(base) : work_dir / base;
  auto collect = [&](const std::vector<std::string>& keys) {
    std::vector<StepFile> files;
    auto add = [&](const std::string& key, const std::string& text) {
      if (text.empty()) return;
      const fs::path path = text;
      files.push_back({key, text, (path.is_absolute() ? path : start / path).lexically_normal()});
    };
    for (const std::string& key : keys) {
      const Json& value = cfg[key];
      add(key, value.as_string());
      for (const Json& item : value.items()) add(key, item.as_string());
    }
    return files;
  };
  return {collect(spec.reads), collect(spec.writes)};
}

void FileConflicts::check_symlink(const Step& step, const StepFile& file) {
  // The way to the work directory is the user's own choice; what the pipeline adds to it is checked.
  const bool inside = is_below(file.absolute, work_dir_);
  fs::path at;
  for (const fs::path& part : file.absolute) {
    at /= part;
    if (inside && is_below(work_dir_, at)) continue;
    struct stat info{};
    if (::lstat(at.c_str(), &info) != 0) return;
    if (!S_ISLNK(info.st_mode)) continue;
    diagnostics_.error(
        "output_through_symlink",
        "Output path '" + file.path + "' of step '" + step.id + "' leads through the symlink " + at.string(),
        step.location + "." + file.key, mark_of(step, file), "write to the real path");
    return;
  }
}

void FileConflicts::check() {
  struct Use {
    const Step* step;
    const StepFile* file;
  };
  std::unordered_map<std::string, Use> writers;
  for (const Step& step : steps_) {
    for (const StepFile& file : step.files.writes) {
      check_symlink(step, file);
      const auto [first, is_new] = writers.try_emplace(canonical_path(file.absolute), Use{&step, &file});
      if (is_new) continue;
      diagnostics_.error(
          "output_conflict",
          "Steps '" + first->second.step->id + "' and '" + step.id + "' write the same file: " + file.path,
          step.location + "." + file.key, mark_of(step, file), "give each step a path of its own");
    }
  }
  for (const Step& step : steps_) {
    for (const StepFile& file : step.files.reads) {
      const auto writer = writers.find(canonical_path(file.absolute));
      if (writer == writers.end()) continue;
      const Use& use = writer->second;
      diagnostics_.error(
          "output_is_input",
          "Step '" + use.step->id + "' writes the file that step '" + step.id + "' reads: " + use.file->path,
          use.step->location + "." + use.file->key, mark_of(*use.step, *use.file),
          "write to another file, or pass the rows with needs: [" + use.step->id + "]");
    }
  }
}

}  // namespace osiris
