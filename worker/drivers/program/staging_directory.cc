#include "worker/drivers/program/staging_directory.h"

#include <errno.h>
#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/model/trace_context.h"

namespace osiris::worker::program {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kProgramBytesMax = 16 << 20;

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

}  // namespace

void set_variable(Variables& variables, const std::string& name, std::string value) {
  const auto known = std::find_if(variables.begin(), variables.end(), [&](const auto& v) { return v.first == name; });
  if (known != variables.end())
    known->second = std::move(value);
  else
    variables.emplace_back(name, std::move(value));
}

Result<fs::path> stage_copy(const StepContext& step, const StagingDirectory& staging, const std::string& path,
                            std::string_view what, bool executable) {
  const fs::path source = step.input_file(path).absolute;
  OSIRIS_TRY(check_file(source, path, what));
  OSIRIS_ASSIGN(const std::string bytes, read_file(source, kProgramBytesMax));
  const fs::path place = staging.code() / staged_path(path, 0);
  OSIRIS_TRY(make_directories(place.parent_path()));
  OSIRIS_TRY(write_file_atomically(place, bytes, {.mode = executable ? 0755u : 0644u}));
  return place;
}

Result<StagingDirectory> make_staging_directory(const StepContext& step, const Contract& contract,
                                                const std::string& except) {
  StagingDirectory staging;
  staging.root = step.scratch_dir();
  staging.output = staging.root / "output" / ("output" + std::string(file_suffix(contract.format)));
  for (const fs::path& directory :
       {staging.code(), staging.inputs(), staging.output.parent_path(), staging.root / "tmp"})
    OSIRIS_TRY(make_directories(directory));
  size_t number = 0;
  for (const std::string& file : contract.files) {
    ++number;
    const fs::path source = step.input_file(file).absolute;
    OSIRIS_TRY(check_file(source, file, "file"));
    if (!except.empty() && staged_path(file, number) == staged_path(except, 0)) continue;
    OSIRIS_TRY(link_file(source, staging.code() / staged_path(file, number)));
  }
  return staging;
}

Status describe_step(const StepContext& step, const Contract& contract, const StagingDirectory& staging,
                     const std::vector<InputFile>& inputs) {
  const std::string_view format = format_name(contract.format);
  Json files = Json::object(), inputs_json = Json::object();
  size_t number = 0;
  for (const std::string& file : contract.files)
    files.set(file, (staging.code() / staged_path(file, ++number)).string());
  for (const InputFile& input : inputs)
    inputs_json.set(input.name, Json::object({{"path", input.path.string()},
                                              {"format", format},
                                              {"from_step", input.from_step},
                                              {"rows", input.rows},
                                              {"columns", input.columns}}));
  Json columns = Json::array();
  for (const auto& [name, type] : contract.columns) columns.push_back(Json::object({{"name", name}, {"type", type}}));
  Json output = Json::object({{"path", staging.output.string()}, {"format", format}});
  if (!contract.columns.empty()) output.set("columns", std::move(columns));
  const Json description = Json::object({{"version", 1},
                                         {"step_id", step.step_id()},
                                         {"inputs", std::move(inputs_json)},
                                         {"output", std::move(output)},
                                         {"params", contract.params},
                                         {"files", std::move(files)},
                                         {"artifacts_dir", step.artifacts_dir().string()}});
  return write_file_atomically(staging.description(), description.dump_pretty(2) + "\n");
}

namespace {

// The trace that the run is a part of, with the step as the parent of what the program itself has to tell.
void add_trace(const StepContext& step, Variables& variables) {
  const auto run = parse_trace_context(step.settings()["traceparent"].as_string());
  if (!run) return;
  TraceContext context = *run;
  context.span_id = child_span_id(*run, step.step_id());
  set_variable(variables, "TRACEPARENT", context.text());
  if (const std::string& state = step.settings()["tracestate"].as_string(); !state.empty())
    set_variable(variables, "TRACESTATE", state);
}

}  // namespace

Variables contract_variables(const StepContext& step, const StagingDirectory& staging,
                             const std::vector<InputFile>& inputs, Variables base) {
  Variables variables = std::move(base);
  set_variable(variables, "TMPDIR", (staging.root / "tmp").string());
  set_variable(variables, "OSIRIS_STEP", staging.description().string());
  set_variable(variables, "OSIRIS_OUTPUT", staging.output.string());
  set_variable(variables, "OSIRIS_ARTIFACTS_DIR", step.artifacts_dir().string());
  if (!inputs.empty()) set_variable(variables, "OSIRIS_INPUT", inputs.front().path.string());
  add_trace(step, variables);
  return variables;
}

Renames staging_renames(const StagingDirectory& staging) {
  return {{staging.code().string() + "/", ""}, {staging.root.string(), "<scratch>"}};
}

}  // namespace osiris::worker::program
