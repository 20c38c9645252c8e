#include "worker/drivers/filesystem.csv_writer/options.h"

#include "worker/drivers/csv/format.h"

namespace osiris::worker::csv_out {
namespace {

Error wrong(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

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
  options.file = {path, csv_format::output_file(step, path)};
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
