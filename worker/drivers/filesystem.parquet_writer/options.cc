#include "worker/drivers/filesystem.parquet_writer/options.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "worker/driver_api/file_columns.h"
#include "worker/drivers/files/compression.h"
#include "worker/drivers/remote/output_directory.h"

namespace osiris::worker::parquet_out {
namespace {

constexpr std::array<std::string_view, 6> kCompressions = {"zstd", "snappy", "gzip", "brotli", "lz4_raw", "none"};

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

}  // namespace

std::string Options::copy_options() const {
  const std::string pages =
      compression == "zstd" ? kParquetZstd : ", COMPRESSION " + (compression == "none" ? "uncompressed" : compression);
  return pages + ", ROW_GROUP_SIZE " + std::to_string(row_group_size);
}

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  const std::string path = config["path"].as_string();
  Options options;
  for (const Json& column : config["partition_by"].items()) options.partition_by.push_back(column.as_string());
  OSIRIS_ASSIGN(options.file, remote::output_place(step, !options.partition_by.empty()));
  if (const auto other = files::suffix_of_another_kind(path, {".parquet"}); !other.empty())
    return wrong("'path' ends in " + std::string(other) + ", and this component writes Parquet", "end it in .parquet");
  if (files::infer_compression(path) != files::Compression::kNone)
    return wrong("'path' ends as a compressed file does: a Parquet file is compressed within",
                 "end it in .parquet; `compression` says how its pages are compressed");
  for (const Json& column : config["columns"].items()) options.columns.push_back(column.as_string());
  options.compression = config["compression"].as_string_or("zstd");
  if (std::find(kCompressions.begin(), kCompressions.end(), options.compression) == kCompressions.end())
    return wrong("'compression' must be zstd, snappy, gzip, brotli, lz4_raw or none, not '" + options.compression +
                 "'");
  options.row_group_size = config["row_group_size"].as_uint(options.row_group_size);
  if (options.row_group_size < 2048) return wrong("'row_group_size' must be a whole number from 2048");
  options.create_dirs = config["create_dirs"].as_bool(true);
  return options;
}

}  // namespace osiris::worker::parquet_out
