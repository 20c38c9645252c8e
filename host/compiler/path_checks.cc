#include "host/compiler/path_checks.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "host/compiler/file_address.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameBytesMax = 255;   // of a file on every Linux file system
constexpr size_t kPathBytesMax = 4095;  // that a system call takes

struct Wrong {
  std::string type, message, hint;
};

// What the text alone says. `use` is "reads" or "writes".
std::optional<Wrong> wrong_text(const StepFile& file, std::string_view use) {
  const std::string& path = file.path;
  if (is_address(path))
    return Wrong{"unsupported_path",
                 "'" + path + "' is an address, and this component " + std::string(use) + " files of this machine",
                 use == "reads" ? "copy the file here first, and name the copy"
                                : "write a file here, and copy it when the run has ended"};
  if (path == "~" || path.starts_with("~/"))
    return Wrong{"unsupported_path", "'~' in '" + path + "' is not expanded: it would be a directory of that name",
                 "write the whole path, or one that starts in the project's directory"};
  for (const fs::path& part : fs::path(path))
    if (part.native().size() > kNameBytesMax)
      return Wrong{"path_too_long", "a name in the path has " + std::to_string(part.native().size()) + " bytes",
                   "file names have at most " + std::to_string(kNameBytesMax) + " bytes"};
  if (const size_t bytes = file.absolute.native().size(); bytes > kPathBytesMax)
    return Wrong{"path_too_long", "the whole path has " + std::to_string(bytes) + " bytes",
                 "paths have at most " + std::to_string(kPathBytesMax) + " bytes"};
  return std::nullopt;
}

std::optional<Wrong> wrong_output(const StepFile& file) {
  std::error_code ignored;
  if (file.is_directory && fs::exists(file.absolute, ignored) && !fs::is_directory(file.absolute, ignored))
    return Wrong{"output_is_file",
                 "Output path '" + file.path + "' is a file on this machine, and the step writes a directory",
                 "name a directory"};
  if (!file.is_directory && file.path.ends_with('/'))
    return Wrong{"output_is_directory", "Output path '" + file.path + "' names a directory", "add the file's name"};
  if (!file.is_directory && fs::is_directory(file.absolute, ignored))
    return Wrong{"output_is_directory", "Output path '" + file.path + "' is a directory on this machine",
                 "add the file's name"};
  for (fs::path at = file.absolute.parent_path(); at != at.root_path(); at = at.parent_path()) {
    if (!fs::exists(at, ignored)) continue;
    if (fs::is_directory(at, ignored)) break;
    return Wrong{"output_below_file",
                 "Output path '" + file.path + "' leads through " + at.string() + ", which is a file",
                 "choose another directory"};
  }
  return std::nullopt;
}

std::optional<Wrong> wrong_written_address(const StepFile& file) {
  const std::string& path = file.path;
  if (!path.starts_with("s3://"))
    return Wrong{"unsupported_path", "'" + path + "' is not written to: of addresses only s3:// is",
                 "write to s3://bucket/directory/file, or to a file here"};
  if (!file.is_directory && path.ends_with('/') && path.find('/', 5) + 1 != path.size())
    return Wrong{"output_is_directory", "Output path '" + path + "' names a directory", "add the object's name"};
  if (is_file_pattern(path))
    return Wrong{"unsupported_path", "'" + path + "' is a pattern, and a step writes what it names",
                 "name an object without * ? ["};
  return std::nullopt;
}

// A file beside the missing one whose name is nearly its own, spelled as the pipeline would.
std::optional<std::string> nearest_file(const StepFile& file) {
  constexpr size_t kLookedAt = 10'000;
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator it(file.absolute.parent_path(), code), end; !code && it != end; it.increment(code)) {
    if (names.size() == kLookedAt) break;
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  const auto near = nearest(file.absolute.filename().string(), names);
  if (!near) return std::nullopt;
  return (fs::path(file.path).parent_path() / *near).string();
}

std::optional<Wrong> without_matches(const StepFile& file) {
  const auto found = find_files(file.absolute);
  if (!found.ok()) return Wrong{"missing_file", "'" + file.path + "': " + found.error().message, found.error().hint};
  if (!found->empty()) return std::nullopt;
  return Wrong{"missing_file", "no file matches '" + file.path + "' (" + file.absolute.string() + ")",
               "relative paths start in the project's directory; a run without a file fails"};
}

// Nothing when the file is there, or cannot be looked at.
std::optional<Wrong> missing_input(const StepFile& file) {
  if (file.is_pattern) return without_matches(file);
  std::error_code code;
  if (fs::exists(file.absolute, code) || code) return std::nullopt;
  if (file.path.find('*') != std::string::npos)
    return Wrong{"missing_file", "there is no file '" + file.path + "', and this component expands no patterns",
                 "name one file; several are several steps"};
  if (file.path.find('\\') != std::string::npos && file.path.find('/') == std::string::npos)
    return Wrong{"missing_file", "there is no file '" + file.path + "'; '\\' is an ordinary character in it",
                 "separate directories with '/'"};
  const std::string message = "there is no file '" + file.path + "' (" + file.absolute.string() + ")";
  if (const auto near = nearest_file(file)) return Wrong{"missing_file", message, "did you mean '" + *near + "'?"};
  return Wrong{"missing_file", message,
               "relative paths start in the project's directory; a run without the file fails"};
}

class PathChecker {
 public:
  PathChecker(const FileConflicts::Step& step, Diagnostics& diagnostics) : step_(step), diagnostics_(diagnostics) {}

  void check(bool looks) {
    for (const StepFile& file : step_.files.reads) {
      if (const auto wrong = wrong_text(file, "reads")) {
        say(Diagnostic::Level::kError, file, *wrong);
      } else if (looks) {
        if (const auto missing = missing_input(file)) say(Diagnostic::Level::kWarning, file, *missing);
        std::error_code ignored;
        if (is_one_file(file) && fs::is_directory(file.absolute, ignored))
          say(Diagnostic::Level::kError, file,
              Wrong{"input_is_directory", "'" + file.path + "' is a directory", "name a file in it"});
      }
    }
    for (const StepFile& file : step_.files.addresses) check_address(file);
    for (const StepFile& file : step_.files.written_addresses) {
      if (const auto wrong = wrong_written_address(file))
        say(Diagnostic::Level::kError, file, *wrong);
      else
        check_address(file);
    }
    for (const StepFile& file : step_.files.writes) {
      auto wrong = wrong_text(file, "writes");
      if (!wrong && looks) wrong = wrong_output(file);
      if (wrong) say(Diagnostic::Level::kError, file, *wrong);
    }
  }

 private:
  const YamlNode* value(const StepFile& file) const { return step_.config ? step_.config->find(file.key) : nullptr; }
  // A list of files may hold directories of them.
  bool is_one_file(const StepFile& file) const { return !value(file) || !value(file)->is_sequence(); }

  void check_address(const StepFile& file) {
    const Status status = check_file_address(file.path);
    if (!status.ok())
      say(Diagnostic::Level::kError, file, Wrong{"unsupported_path", status.error().message, status.error().hint});
    else if (file.path.starts_with("s3://") && step_.config && !step_.config->find("connection"))
      say(Diagnostic::Level::kError, file,
          Wrong{"missing_connection", "'" + file.path + "' needs a connection: its region, and keys or anonymous: true",
                "add connection: \"@filesystem.<alias>\""});
  }

  Mark mark(const StepFile& file) const {
    const YamlNode* written = value(file);
    if (!written) return {};
    for (const YamlNode& item : written->items)
      if (item.is_string() && item.text() == file.path) return item.mark;
    return written->mark;
  }

  void say(Diagnostic::Level level, const StepFile& file, const Wrong& wrong) {
    const std::string location = step_.location + "." + file.key;
    if (level == Diagnostic::Level::kError)
      diagnostics_.error(wrong.type, wrong.message, location, mark(file), wrong.hint);
    else
      diagnostics_.warning(wrong.type, wrong.message, location, mark(file), wrong.hint);
  }

  const FileConflicts::Step& step_;
  Diagnostics& diagnostics_;
};

}  // namespace

void check_paths(const FileConflicts::Step& step, bool looks, Diagnostics& diagnostics) {
  PathChecker(step, diagnostics).check(looks);
}

}  // namespace osiris
