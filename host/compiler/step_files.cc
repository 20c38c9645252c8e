#include "host/compiler/step_files.h"

#include <sys/stat.h>

#include <algorithm>

#include "host/compiler/file_address.h"
#include "protocol/base/file_pattern.h"
#include "protocol/model/shards.h"

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

std::vector<StepFile> take_addresses(std::vector<StepFile>& files, const std::string& connection) {
  const auto is_file = [](const StepFile& file) { return !is_address(file.path); };
  const auto first = std::stable_partition(files.begin(), files.end(), is_file);
  std::vector<StepFile> addresses(first, files.end());
  files.erase(first, files.end());
  for (StepFile& file : addresses) file.absolute = "/" + connection + "/" + file.path;
  return addresses;
}

Mark mark_of(const FileConflicts::Step& step, const StepFile& file) {
  const YamlNode* value = step.config ? step.config->find(file.key) : nullptr;
  return value ? value->mark : Mark{};
}

}  // namespace

fs::path start_of_paths(const ComponentSpec& spec, const Json& connection_fields, const fs::path& work_dir) {
  const std::string& base = connection_fields[spec.base_dir_field].as_string();
  if (spec.base_dir_field.empty() || base.empty()) return work_dir;
  return fs::path(base).is_absolute() ? fs::path(base) : work_dir / base;
}

StepFiles find_step_files(const ComponentSpec& spec, const Json& cfg, const Json& connection_fields,
                          const fs::path& work_dir) {
  const fs::path start = start_of_paths(spec, connection_fields, work_dir);
  auto collect = [&](const std::vector<std::string>& keys, bool may_match) {
    std::vector<StepFile> files;
    auto add = [&](const std::string& key, const std::string& text) {
      if (text.empty()) return;
      const fs::path path = text;
      StepFile file{key, text, (path.is_absolute() ? path : start / path).lexically_normal(), false, {}, false};
      std::error_code ignored;
      file.is_pattern = may_match && is_file_pattern(text) && !fs::exists(file.absolute, ignored);
      files.push_back(std::move(file));
    };
    for (const std::string& key : keys) {
      const Json& value = cfg[key];
      add(key, value.as_string());
      for (const Json& item : value.items()) add(key, item.as_string());
    }
    return files;
  };
  StepFiles files{collect(spec.reads, spec.takes_patterns), collect(spec.writes, false), {}, {}};
  if (!spec.directory_key.empty() && !cfg[spec.directory_key].is_null())
    for (StepFile& file : files.writes) file.is_directory = true;
  if (spec.takes_addresses) {
    const std::string connection = cfg["connection"].as_string();
    files.addresses = take_addresses(files.reads, connection);
    files.written_addresses = take_addresses(files.writes, connection);
  }
  return files;
}

void leave_out_files_of_shards(StepFiles& files) {
  for (std::vector<StepFile>* list : {&files.reads, &files.writes, &files.addresses, &files.written_addresses})
    std::erase_if(*list, [](const StepFile& file) { return names_shard(file.path); });
}

Result<std::vector<StepFile>> planned_reads(const ComponentSpec& spec, const StepFiles& files) {
  std::vector<StepFile> all;
  std::error_code ignored;
  if (spec.updates)
    for (const StepFile& file : files.writes)
      if (fs::is_regular_file(file.absolute, ignored)) all.push_back(file);
  for (const StepFile& file : files.reads) {
    if (!file.is_pattern) {
      all.push_back(file);
      for (const std::string& suffix : spec.beside) {
        StepFile companion{file.key, file.path + suffix, file.absolute.native() + suffix, false, {}, false};
        if (fs::exists(companion.absolute, ignored)) all.push_back(std::move(companion));
      }
      continue;
    }
    auto found = find_files(file.absolute);
    if (!found.ok()) return found.error().within("'" + file.path + "'");
    for (const fs::path& each : *found)
      all.push_back({file.key, spelled_as(each, file.path, file.absolute), each, false, file.path, false});
  }
  return all;
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
  for (const Step& step : steps_)
    for (const StepFile& file : step.files.writes) check_symlink(step, file);
  const std::vector<Use> written = check_writers();
  for (const Step& step : steps_) {
    for (const StepFile& file : step.files.reads) check_reader(step, file, written);
    for (const StepFile& file : step.files.addresses) check_reader(step, file, written);
  }
}

void FileConflicts::check_reader(const Step& step, const StepFile& file, const std::vector<Use>& written) {
  const std::string place = canonical_path(file.absolute);
  const auto writer =
      std::find_if(written.begin(), written.end(), [&](const Use& use) { return meets(file, place, use); });
  if (writer == written.end()) return;
  diagnostics_.error(
      "output_is_input",
      "Step '" + writer->step->id + "' writes the file that step '" + step.id + "' reads: " + writer->file->path,
      writer->step->location + "." + writer->file->key, mark_of(*writer->step, *writer->file),
      "write to another file, or pass the rows with needs: [" + writer->step->id + "]");
}

// Those that write in places of their own.
std::vector<FileConflicts::Use> FileConflicts::check_writers() {
  std::vector<Use> written;
  for (const Step& step : steps_) {
    for (const std::vector<StepFile>* files : {&step.files.writes, &step.files.written_addresses})
      for (const StepFile& file : *files) {
        Use use{&step, &file, canonical_path(file.absolute)};
        const auto first = std::find_if(written.begin(), written.end(), [&](const Use& other) {
          return other.place == use.place ||
                 (other.file->is_directory && is_below(file.absolute, other.file->absolute)) ||
                 (file.is_directory && is_below(other.file->absolute, file.absolute));
        });
        if (first == written.end()) {
          written.push_back(std::move(use));
          continue;
        }
        diagnostics_.error("output_conflict",
                           "Steps '" + first->step->id + "' and '" + step.id + "' write the same file: " + file.path,
                           step.location + "." + file.key, mark_of(step, file), "give each step a path of its own");
      }
  }
  return written;
}

bool FileConflicts::meets(const StepFile& read, const std::string& place, const Use& use) {
  const StepFile& written = *use.file;
  if (read.is_pattern)
    return matches_file_pattern(read.absolute, written.absolute) ||
           (written.is_directory && is_below(fixed_directory(read.absolute), written.absolute));
  return place == use.place || (written.is_directory && is_below(read.absolute, written.absolute));
}

}  // namespace osiris
