#include "host/run/recorded_output.h"

#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"

namespace osiris {

namespace fs = std::filesystem;

std::string why_not_as_written(const Artifact& file, uint64_t hash_bytes_max) {
  std::error_code code;
  const fs::path target = file.target;
  const fs::file_type type = fs::symlink_status(target, code).type();
  if (type == fs::file_type::not_found) return "the file is not there any more";
  if (type != fs::file_type::regular) return "what is there now is no regular file";
  const uint64_t size = fs::file_size(target, code);
  if (code) return "the file cannot be read: " + code.message();
  if (size != file.size_bytes) return "the file has changed since this run";
  if (size > hash_bytes_max || file.sha256.empty()) return "";
  const auto digest = sha256_file(target);
  if (!digest.ok()) return digest.error().message;
  return digest->sha256 == file.sha256 ? "" : "the file has changed since this run";
}

std::vector<Artifact> recorded_outputs(const fs::path& session) {
  std::vector<Artifact> outputs;
  const auto text = read_file(session / "artifacts.json");
  const auto document = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!document.ok()) return outputs;
  for (const Json& file : (*document)["outputs"].items()) outputs.push_back(reported_artifact(file));
  return outputs;
}

}  // namespace osiris
