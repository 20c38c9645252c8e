#include "worker/drivers/files/places.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "protocol/base/categories.h"
#include "protocol/base/file_pattern.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::files {
namespace {

constexpr char kWherePathsStart[] =
    "relative paths start in the directory the pipeline runs in (or in the connection's base_dir)";

std::string below_base_dir(const StepContext& step, std::string_view path) {
  const ConnectionFields* connection = step.connection();
  const std::filesystem::path base = connection ? connection->fields["base_dir"].as_string() : std::string();
  return (base / path).native();
}

std::string in_step(const StepContext& step) { return "Step " + step.step_id() + ": "; }

}  // namespace

std::filesystem::path input_file(const StepContext& step, std::string_view path) {
  const PlannedPath file = step.input_file(path);
  return file.is_planned ? file.absolute : step.input_file(below_base_dir(step, path)).absolute;
}

std::filesystem::path output_file(const StepContext& step, std::string_view path) {
  const PlannedPath file = step.output_file(path);
  return file.is_planned ? file.absolute : step.output_file(below_base_dir(step, path)).absolute;
}

Status check_input(const StepContext& step, const std::filesystem::path& file, std::string_view kind) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return Error(Code::kNotFound, in_step(step) + std::string(kind) + " file not found: " + file.string(),
                 kWherePathsStart, category::kExtractNoData);
  if (status.type() != std::filesystem::file_type::regular && status.type() != std::filesystem::file_type::none)
    return Error(Code::kInvalidArgument, in_step(step) + "Path is not a file: " + file.string());
  if (::access(file.c_str(), R_OK) != 0)
    return Error(Code::kInvalidArgument, in_step(step) + std::string(kind) + " file cannot be read: " + file.string() +
                                             ": " + std::strerror(errno));
  return {};
}

Status check_writes(const StepContext& step) {
  if (!step.inputs().empty()) return {};
  return Error(Code::kInvalidArgument, "Step " + step.step_id() + ": there is no input to write",
               "name the step to write in `needs`");
}

Status check_base_dir(const StepContext& step) {
  const std::filesystem::path directory = input_file(step, ".");
  if (std::filesystem::is_directory(directory)) return {};
  return Error(Code::kNotFound, "base_dir of the filesystem connection is not a directory: " + directory.string());
}

Result<std::vector<MatchedFile>> input_files(const StepContext& step, std::string_view path, std::string_view kind) {
  std::vector<MatchedFile> found = step.matched_files(path);
  if (found.empty()) {
    const std::filesystem::path absolute = input_file(step, path);
    std::error_code ignored;
    if (!is_file_pattern(path) || std::filesystem::exists(absolute, ignored)) {
      found.push_back({std::string(path), absolute});
    } else {
      auto here = find_files(absolute);
      if (!here.ok()) return here.error().within(in_step(step) + "'" + std::string(path) + "'");
      for (const std::filesystem::path& file : *here) found.push_back({spelled_as(file, path, absolute), file});
    }
  }
  if (found.empty())
    return Error(Code::kNotFound,
                 in_step(step) + "no " + std::string(kind) + " file matches '" + std::string(path) + "'",
                 kWherePathsStart, category::kExtractNoData);
  for (const MatchedFile& file : found) OSIRIS_TRY(check_input(step, file.absolute, kind));
  return found;
}

std::string sql_path(const std::filesystem::path& file) {
  std::string literal;
  for (const char c : file.native()) {
    if (c == '*' || c == '?' || c == '[')
      literal += std::string("[") + c + "]";
    else
      literal += c;
  }
  return sql::quote_literal(literal);
}

std::string sql_paths(const std::vector<MatchedFile>& files) {
  std::string list;
  for (const MatchedFile& file : files) list += (list.empty() ? "[" : ", ") + sql_path(file.absolute);
  return list + "]";
}

}  // namespace osiris::worker::files
