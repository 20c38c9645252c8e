#include "host/project/project_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "host/project/user_directories.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarks[] = {"osiris.yaml", "osiris.py"};

std::optional<fs::path> mark_in(const fs::path& directory) {
  std::error_code unseen;
  for (const char* name : kMarks)
    if (fs::exists(directory / name, unseen)) return directory / name;
  return std::nullopt;
}

// Whether `mark` was put there by this user, by root, or, for root, by the owner of the directory. A project says where
// files are written: a user who can write in /tmp must not choose that for all work below it.
bool is_trusted(const fs::path& mark) {
  struct stat file{}, directory{};
  if (::stat(mark.c_str(), &file) != 0 || ::stat(mark.parent_path().c_str(), &directory) != 0) return false;
  const uid_t me = ::geteuid();
  return file.st_uid == me || file.st_uid == 0 ||
         (me == 0 && file.st_uid == directory.st_uid && !(directory.st_mode & 02));
}

}  // namespace

ProjectPlace find_project(const fs::path& working_directory, const Environment& environment) {
  std::vector<std::string> warnings;
  for (fs::path directory = working_directory;; directory = directory.parent_path()) {
    if (const auto mark = mark_in(directory)) {
      if (directory == working_directory || is_trusted(*mark)) {
        ProjectPlace place(directory);
        place.warnings = std::move(warnings);
        return place;
      }
      warnings.push_back(mark->string() + " belongs to another user: it makes no project of " +
                         working_directory.string());
    }
    if (directory == directory.parent_path()) break;
  }
  ProjectPlace place(working_directory);
  place.base = user_state_directory(environment) / "outside";
  place.is_project = false;
  place.warnings = std::move(warnings);
  return place;
}

}  // namespace osiris
