#include "host/adapters/discovery.h"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>

#include "host/adapters/module_check.h"
#include "host/installation/installation.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".adapter.toml";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

void add_variable_places(const SearchInputs& inputs, std::vector<SearchDirectory>& places) {
  const std::string distrust =
      inputs.privileged ? "this process has raised privileges, so the environment does not count" : "";
  const auto get = [&](const char* name) { return inputs.env ? inputs.env(name).value_or("") : std::string(); };
  for (const std::string& entry : split(get("OSIRIS_ADAPTER_PATH"), ':')) {
    if (entry.empty()) continue;
    const bool relative = fs::path(entry).is_relative();
    places.push_back({entry, "OSIRIS_ADAPTER_PATH", relative ? "not an absolute path" : distrust});
  }
  fs::path data_home = get("XDG_DATA_HOME");
  std::string origin = "XDG_DATA_HOME";
  if (data_home.is_relative()) {  // unset, or against its specification
    const std::string home = get("HOME");
    if (fs::path(home).is_relative()) return;
    data_home = fs::path(home) / ".local/share";
    origin = "user";
  }
  places.push_back({data_home / "osiris/adapters", origin, distrust, true});
}

Status check_regular(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_regular_file(status)) return {};
  if (error && !fs::status_known(status)) return errno_error(error.value(), "cannot look at", file);
  const char* what = fs::is_fifo(status)             ? "a FIFO"
                     : fs::is_directory(status)      ? "a directory"
                     : fs::is_socket(status)         ? "a socket"
                     : fs::is_character_file(status) ? "a device"
                     : fs::exists(status)            ? "no file"
                                                     : "a link that leads nowhere";
  return Error(Code::kInvalidArgument, file.string() + " is " + what + ", not a regular file");
}

// Why the manifest cannot be used, or its content.
Result<AdapterManifest> usable_manifest(const fs::path& file) {
  OSIRIS_TRY(check_regular(file));  // reading a FIFO would wait for a writer
  OSIRIS_TRY(check_trusted(file));
  OSIRIS_ASSIGN(AdapterManifest manifest, read_adapter_manifest(file));
  std::error_code error;
  if (!fs::exists(fs::symlink_status(manifest.library, error)))
    return Error(Code::kNotFound, file.string() + ": its library " + manifest.library.string() + " does not exist");
  if (const Status regular = check_regular(manifest.library); !regular.ok())
    return regular.error().within(file.string() + ": its library");
  OSIRIS_TRY(check_trusted(manifest.library));
  return manifest;
}

std::string reason_of_absence(const SearchDirectory& place, std::string_view id) {
  if (!place.ignored.empty()) return "ignored: " + place.ignored;
  std::error_code error;
  if (!is_there(place.directory)) return "no such directory";
  if (!fs::is_directory(place.directory, error)) return "not a directory";
  fs::directory_iterator listing(place.directory, error);
  if (error) return error.message();
  return "no " + std::string(id) + std::string(kSuffix);
}

std::vector<std::string> known_ids(const std::vector<SearchDirectory>& places) {
  std::vector<std::string> ids;
  for (const FoundAdapter& found : list_adapters(places))
    if (!found.shadowed) ids.push_back(found.id);
  return ids;
}

std::string place_line(const SearchDirectory& place, const std::string& outcome) {
  return "\n  " + place.directory.string() + " (" + place.origin + "): " + outcome;
}

}  // namespace

SearchInputs process_search_inputs(std::vector<fs::path> adapter_dirs) {
  SearchInputs inputs;
  inputs.adapter_dirs = std::move(adapter_dirs);
  inputs.env = [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  std::error_code error;
  inputs.executable = fs::read_symlink("/proc/self/exe", error);
  inputs.privileged = getauxval(AT_SECURE) != 0;
  return inputs;
}

std::vector<SearchDirectory> search_directories(const SearchInputs& inputs) {
  std::vector<SearchDirectory> places;
  for (const fs::path& dir : inputs.adapter_dirs)
    places.push_back({dir, "--adapter-dir", dir.is_relative() ? "not an absolute path" : ""});
  add_variable_places(inputs, places);
  places.push_back({"/etc/osiris/adapters", "system", ""});
  if (inputs.executable.is_absolute())
    places.push_back(
        {installed_library_directory(inputs.executable.parent_path()) / "adapters", "installed with osiris", ""});
  return places;
}

std::vector<FoundAdapter> list_adapters(const std::vector<SearchDirectory>& places, std::optional<Error>* trouble) {
  std::vector<FoundAdapter> all;
  const auto note = [trouble](const Error& error) {
    if (trouble && !*trouble && is_machine_trouble(error)) *trouble = error;
  };
  std::set<std::string> seen;
  for (const SearchDirectory& place : places) {
    if (!place.ignored.empty()) continue;
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator it(place.directory, error), end; !error && it != end; it.increment(error))
      if (it->path().filename().string().ends_with(kSuffix)) files.push_back(it->path());
    if (error) note(errno_error(error.value(), "cannot look for adapters in", place.directory));
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const std::string name = file.filename().string();
      FoundAdapter found;
      found.id = name.substr(0, name.size() - kSuffix.size());
      found.origin = place.origin;
      found.manifest.file = file;
      found.shadowed = !seen.insert(found.id).second;
      auto manifest = usable_manifest(file);
      if (manifest.ok()) {
        found.manifest = *std::move(manifest);
      } else {
        found.problem = manifest.error().message;
        note(manifest.error());
      }
      all.push_back(std::move(found));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return all;
}

Result<AdapterManifest> find_adapter(std::string_view id, const std::vector<SearchDirectory>& places) {
  if (!is_adapter_id(id)) {
    const auto near = nearest(id, known_ids(places));
    return Error(Code::kNotFound, "'" + std::string(id) + "' is not the name of an adapter: names are [a-z][a-z0-9]*",
                 near ? "did you mean '" + *near + "'?" : "`osiris adapters list` shows what is installed");
  }
  const std::string file_name = std::string(id) + std::string(kSuffix);
  std::string looked;
  for (const SearchDirectory& place : places) {
    const fs::path file = place.directory / file_name;
    if (!place.ignored.empty() || !is_there(file)) {
      looked += place_line(place, reason_of_absence(place, id));
      continue;
    }
    auto manifest = usable_manifest(file);
    if (manifest.ok()) {
      manifest->is_users = place.is_users;
      return manifest;
    }
    // A later place is not tried: silently running another copy than the one asked for first would be worse.
    return Error(manifest.error().code,
                 "adapter '" + std::string(id) + "' cannot be used. Looked in:" + looked +
                     place_line(place, manifest.error().message),
                 manifest.error().hint.empty() ? "repair or remove " + file.string() : manifest.error().hint);
  }
  const auto near = nearest(id, known_ids(places));
  return Error(Code::kNotFound, "no adapter '" + std::string(id) + "' found. Looked in:" + looked,
               near ? "did you mean '" + *near + "'?"
                    : "`osiris adapters list` shows what is installed; --adapter-dir DIR adds a place");
}

Status check_trusted(const fs::path& path) {
  const auto look_at = [](const fs::path& entry) -> Result<struct stat> {
    struct stat info{};
    if (stat(entry.c_str(), &info) != 0) return errno_error(errno, "cannot look at", entry);
    return info;
  };
  // Its owner can put other code there at any time.
  const auto check_owner = [](const fs::path& entry, const struct stat& info) -> Status {
    if (info.st_uid == 0 || info.st_uid == geteuid()) return {};
    return Error(
        Code::kInvalidArgument,
        entry.string() + " belongs to another user (uid " + std::to_string(info.st_uid) + "), so it is not loaded",
        "chown it to root or to yourself, once you have seen what it is");
  };
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return errno_error(error.value(), "cannot look at", path);
  OSIRIS_ASSIGN(const struct stat file, look_at(real));
  OSIRIS_TRY(check_owner(real, file));
  if (file.st_mode & S_IWOTH)
    return Error(Code::kInvalidArgument, real.string() + " can be written by everybody, so it is not loaded",
                 "chmod o-w " + real.string());
  // A link's own directory decides what the link points to, so both chains count, where they are two.
  for (const fs::path& start : std::set<fs::path>{path.lexically_normal(), real}) {
    for (fs::path dir = start.parent_path();; dir = dir.parent_path()) {
      OSIRIS_ASSIGN(const struct stat info, look_at(dir));
      if (info.st_mode & S_IWOTH && (dir == start.parent_path() || !(info.st_mode & S_ISVTX))) {
        return Error(Code::kInvalidArgument,
                     "the directory " + dir.string() +
                         " can be written by everybody, so nothing in it is loaded: " + start.string(),
                     "chmod o-w " + dir.string() + ", or move the adapter");
      }
      if (dir == start.parent_path()) OSIRIS_TRY(check_owner(dir, info));
      if (dir == dir.parent_path()) break;
    }
  }
  return {};
}

}  // namespace osiris
