#include "worker/drivers/filesystem.json_writer/options.h"

#include "worker/drivers/files/json_format.h"
#include "worker/drivers/remote/output_directory.h"

namespace osiris::worker::json_out {
namespace {

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

}  // namespace

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  const std::string path = config["path"].as_string();
  Options options;
  for (const Json& column : config["partition_by"].items()) options.partition_by.push_back(column.as_string());
  const bool is_directory = !options.partition_by.empty();
  OSIRIS_ASSIGN(options.file, remote::output_place(step, is_directory));
  OSIRIS_ASSIGN(const auto named, files::read_compression(config));
  options.compression = named.value_or(is_directory ? files::Compression::kNone : files::infer_compression(path));
  if (const auto other = files::suffix_of_another_kind(path, {".json", ".ndjson", ".jsonl"}); !other.empty())
    return wrong("'path' ends in " + std::string(other) + ", and this component writes JSON",
                 "end it in .json, .ndjson or .jsonl, or in one of these and .gz, .bz2, .xz, .zip or .zst");
  // The files of a directory have no name that tells.
  const std::string format = config["format"].as_string_or(is_directory ? "ndjson" : "");
  OSIRIS_ASSIGN(options.is_lines, files::is_json_lines(format, path));
  for (const Json& column : config["columns"].items()) options.columns.push_back(column.as_string());
  options.create_dirs = config["create_dirs"].as_bool(true);
  return options;
}

}  // namespace osiris::worker::json_out
