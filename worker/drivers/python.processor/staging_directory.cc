#include "worker/drivers/python.processor/staging_directory.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"

namespace osiris::worker::python {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kScriptBytesMax = 16 << 20;

// Where a path of the pipeline is below code/: at itself, and what leads out of the work directory below a name of
// its own.
fs::path staged_path(const std::string& path, size_t number) {
  const fs::path normal = fs::path(path).lexically_normal();
  if (normal.is_absolute() || *normal.begin() == "..")
    return fs::path("outside") / std::to_string(number) / normal.filename();
  return normal;
}

Status check_file(const fs::path& file, const std::string& path, std::string_view what) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) {
    const bool absent = errno == ENOENT || errno == ENOTDIR;
    return Error(absent ? Code::kInvalidArgument : errno_error(errno, "", file).code,
                 "the " + std::string(what) + " " + path + (absent ? " does not exist" : " cannot be looked at"),
                 "Paths start in the working directory.", category::kConfigInvalid);
  }
  if (!S_ISREG(info.st_mode))
    return Error(Code::kInvalidArgument, "the " + std::string(what) + " " + path + " is not a file",
                 "Name single files, not directories.", category::kConfigInvalid);
  return {};
}

// Links, because a data file may be large; the script itself is a copy, because Python looks for modules where the real
// file is.
Status link_file(const fs::path& from, const fs::path& to) {
  OSIRIS_TRY(make_directories(to.parent_path()));
  std::error_code error;
  fs::create_symlink(from, to, error);
  if (error && !fs::is_symlink(fs::symlink_status(to))) return errno_error(error.value(), "cannot link", to);
  return {};
}

void set(Variables& variables, const std::string& name, std::string value) {
  const auto known = std::find_if(variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
  if (known != variables.end())
    known->second = std::move(value);
  else
    variables.emplace_back(name, std::move(value));
}

}  // namespace

Result<StagingDirectory> make_staging_directory(const StepContext& step, const Options& options) {
  StagingDirectory staging;
  staging.root = step.scratch_dir();
  staging.output = staging.root / "output" / ("output" + std::string(file_suffix(options.format)));
  for (const fs::path& directory :
       {staging.code(), staging.inputs(), staging.output.parent_path(), staging.root / "tmp"})
    OSIRIS_TRY(make_directories(directory));
  std::string text = options.code;
  staging.script = staging.code() / "step.py";
  if (!options.script.empty()) {
    const fs::path source = step.input_file(options.script).absolute;
    OSIRIS_TRY(check_file(source, options.script, "script"));
    OSIRIS_ASSIGN(text, read_file(source, kScriptBytesMax));
    staging.script = staging.code() / staged_path(options.script, 0);
  }
  OSIRIS_TRY(make_directories(staging.script.parent_path()));
  OSIRIS_TRY(write_file_atomically(staging.script, text));
  size_t number = 0;
  for (const std::string& file : options.files) {
    const fs::path source = step.input_file(file).absolute;
    OSIRIS_TRY(check_file(source, file, "file"));
    const fs::path place = staging.code() / staged_path(file, ++number);
    if (place == staging.script) continue;
    OSIRIS_TRY(link_file(source, place));
  }
  return staging;
}

Status describe_step(const StepContext& step, const Options& options, const StagingDirectory& staging,
                     const std::vector<InputFile>& inputs) {
  const std::string_view format = format_name(options.format);
  Json files = Json::object(), inputs_json = Json::object();
  size_t number = 0;
  for (const std::string& file : options.files)
    files.set(file, (staging.code() / staged_path(file, ++number)).string());
  for (const InputFile& input : inputs)
    inputs_json.set(input.name, Json::object({{"path", input.path.string()},
                                              {"format", format},
                                              {"from_step", input.from_step},
                                              {"rows", input.rows},
                                              {"columns", input.columns}}));
  Json columns = Json::array();
  for (const auto& [name, type] : options.columns) columns.push_back(Json::object({{"name", name}, {"type", type}}));
  Json output = Json::object({{"path", staging.output.string()}, {"format", format}});
  if (!options.columns.empty()) output.set("columns", std::move(columns));
  const Json description = Json::object({{"version", 1},
                                         {"step_id", step.step_id()},
                                         {"inputs", std::move(inputs_json)},
                                         {"output", std::move(output)},
                                         {"params", options.params},
                                         {"files", std::move(files)},
                                         {"artifacts_dir", step.artifacts_dir().string()}});
  return write_file_atomically(staging.description(), description.dump_pretty(2) + "\n");
}

Variables script_environment(const StepContext& step, const StagingDirectory& staging,
                             const std::vector<InputFile>& inputs, Variables base, const fs::path& environment) {
  Variables variables = std::move(base);
  for (const auto& [name, value] : step.passed_environment().members()) set(variables, name, value.as_string());
  for (auto& [name, value] : variables)
    if (name == "PATH") value = (environment / "bin").string() + ":" + value;
  set(variables, "VIRTUAL_ENV", environment.string());
  set(variables, "TMPDIR", (staging.root / "tmp").string());
  set(variables, "OSIRIS_STEP", staging.description().string());
  set(variables, "OSIRIS_OUTPUT", staging.output.string());
  set(variables, "OSIRIS_ARTIFACTS_DIR", step.artifacts_dir().string());
  if (!inputs.empty()) set(variables, "OSIRIS_INPUT", inputs.front().path.string());
  return variables;
}

Renames staging_renames(const StagingDirectory& staging, const fs::path& environment) {
  return {{staging.code().string() + "/", ""},
          {staging.root.string(), "<scratch>"},
          {environment.string(), "<environment>"}};
}

}  // namespace osiris::worker::python
