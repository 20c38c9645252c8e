#include "worker/drivers/files/json_format.h"

#include <filesystem>

#include "protocol/base/text.h"
#include "worker/drivers/files/compression.h"

namespace osiris::worker::files {

Result<bool> is_json_lines(std::string_view format, const std::string& path) {
  if (!format.empty()) {
    if (format == "json" || format == "ndjson") return format == "ndjson";
    return Error(Code::kInvalidArgument, "'format' must be json or ndjson, not '" + std::string(format) + "'");
  }
  std::filesystem::path file = path;
  if (infer_compression(file) != Compression::kNone) file = file.stem();
  const std::string suffix = ascii_lower(file.extension().native());
  if (suffix == ".ndjson" || suffix == ".jsonl") return true;
  if (suffix == ".json") return false;
  return Error(Code::kInvalidArgument, "'" + path + "' ends in neither .json nor .ndjson nor .jsonl",
               "say `format: json` for an array of records or `format: ndjson` for a record a line");
}

}  // namespace osiris::worker::files
