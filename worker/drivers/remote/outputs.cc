#include "worker/drivers/remote/outputs.h"

#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/replacing_file.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/remote/location.h"
#include "worker/drivers/remote/upload.h"

namespace osiris::worker::remote {

Result<OutputFile> output_file(const StepContext& step, const std::string& path) {
  if (!is_remote(path)) return OutputFile{path, files::output_file(step, path)};
  OSIRIS_ASSIGN(const Location location, read_location(path));
  if (!location.is_s3())
    return Error(Code::kInvalidArgument, "'" + location.shown + "' is not written to: of addresses only s3:// is",
                 "write to s3://bucket/directory/file, or to a file here", category::kConfigInvalid);
  if (location.key.ends_with('/'))
    return Error(Code::kInvalidArgument, "'" + path + "' names a directory", "add the object's name",
                 category::kConfigInvalid);
  return OutputFile{path, step.scratch_dir() / "upload"};
}

Status check_output(const OutputFile& file, bool create_dirs) {
  return is_remote(file.path) ? Status() : check_writable(file.target, create_dirs);
}

Status check_access(const StepContext& step, const OutputFile& file) {
  if (!is_remote(file.path)) return {};
  const auto access = read_access(step);
  return access.ok() ? Status() : Status(access.error());
}

Status deliver(StepContext& step, const OutputFile& file, uint64_t rows, std::optional<FileDigest> digest) {
  if (!is_remote(file.path)) return step.add_output(file, rows, std::move(digest));
  OSIRIS_ASSIGN(const Location location, read_location(file.path));
  OSIRIS_ASSIGN(const Uploaded uploaded, upload(step, location, file.target));
  std::error_code ignored;
  std::filesystem::remove(file.target, ignored);
  step.event("object_written", Json::object({{"path", location.shown},
                                             {"rows", rows},
                                             {"size_bytes", uploaded.bytes},
                                             {"etag", uploaded.etag},
                                             {"parts", uploaded.parts}}));
  return {};
}

}  // namespace osiris::worker::remote
