#include "worker/drivers/filesystem.csv_writer/options.h"

#include <filesystem>

namespace osiris::worker::csv_out {
namespace {

Error wrong(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

// Where `path` goes. A plan that names the path has the connection's base_dir in its answer; without one (a spelling
// that no plan has tells) base_dir is applied here.
OutputFile output_file(const StepContext& step, const std::string& path) {
  const ConnectionFields* connection = step.connection();
  const std::string base = connection ? connection->fields["base_dir"].as_string() : std::string();
  const std::filesystem::path target = step.output_target(path);
  const bool planned = target.lexically_normal() != step.output_target("./" + path).lexically_normal();
  if (base.empty() || planned) return {path, target};
  return {path, step.output_target((std::filesystem::path(base) / path).native())};
}

Status read_choices(const Json& config, Options& options) {
  const std::string encoding = config["encoding"].as_string_or("utf-8");
  const auto known = encoding_from_name(encoding);
  if (!known) return wrong("'encoding' must be utf-8, utf-16, ascii or latin-1, not '" + encoding + "'");
  options.encoding = *known;
  options.encoding_name = encoding;

  const std::string newline = config["newline"].as_string_or("lf");
  if (newline == "crlf") {
    options.line_end = "\r\n";
  } else if (newline == "cr") {
    options.line_end = "\r";
  } else if (newline != "lf") {
    return wrong("'newline' must be lf, crlf or cr, not '" + newline + "'");
  }

  const std::string quoting = config["quoting"].as_string_or("minimal");
  if (quoting == "all") {
    options.quoting = Quoting::kAll;
  } else if (quoting == "nonnumeric") {
    options.quoting = Quoting::kNonNumeric;
  } else if (quoting != "minimal") {
    return wrong("'quoting' must be minimal, all or nonnumeric, not '" + quoting + "'");
  }
  return {};
}

}  // namespace

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  const std::string path = config["path"].as_string();
  if (path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  options.file = output_file(step, path);
  OSIRIS_TRY(read_choices(config, options));

  const std::string delimiter = config["delimiter"].as_string_or(",");
  const bool usable = delimiter.size() == 1 && static_cast<unsigned char>(delimiter[0]) < 0x80 &&
                      std::string_view("\"\n\r\0", 4).find(delimiter[0]) == std::string_view::npos;
  if (!usable)
    return wrong("'delimiter' must be one ASCII character other than a quote or a line end, not '" + delimiter + "'");
  options.delimiter = delimiter[0];
  options.header = config["header"].as_bool(true);
  options.create_dirs = config["create_dirs"].as_bool(true);
  options.chunk_size = config["chunk_size"].as_uint(options.chunk_size);
  if (options.chunk_size == 0) return wrong("'chunk_size' must be at least 1");
  return options;
}

}  // namespace osiris::worker::csv_out
