#include "worker/drivers/filesystem.parquet_extractor/parquet_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>

#include "protocol/base/categories.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "worker/driver_api/parquet_scans.h"
#include "worker/driver_api/virtual_files.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker::parquet {
namespace {

constexpr std::string_view kMagic = "PAR1", kEncryptedMagic = "PARE";
constexpr uint64_t kBytesMin = 12;  // the magic bytes, the footer's length, the magic bytes

Error wrong(const MatchedFile& file, const std::string& what, const std::string& hint) {
  return Error(Code::kInvalidArgument, file.path + " " + what, hint, category::kExtractSchemaMismatch);
}

struct Ends {
  uint64_t size = 0;
  std::array<char, 4> head{}, tail{};  // zeros where the file is shorter
};

Result<Ends> ends_of(const MatchedFile& file) {
  Ends ends;
  if (const auto remote = find_virtual_file(file.absolute)) {
    ends.size = remote->size_bytes();
    if (ends.size < ends.head.size()) return ends;
    OSIRIS_TRY(remote->read(0, ends.head.data(), ends.head.size()));
    OSIRIS_TRY(remote->read(ends.size - ends.tail.size(), ends.tail.data(), ends.tail.size()));
    return ends;
  }
  const FileDescriptor opened = FileDescriptor::open(file.absolute, O_RDONLY);
  if (!opened.is_open()) return errno_error(errno, "cannot read", file.path);
  std::error_code code;
  ends.size = std::filesystem::file_size(file.absolute, code);
  if (code) return errno_error(code.value(), "cannot read", file.path);
  const auto read_at = [&](std::array<char, 4>& into, uint64_t at) {
    return ::pread(opened.get(), into.data(), into.size(), static_cast<off_t>(at)) == ssize_t{4};
  };
  if (ends.size < ends.head.size()) return ends;
  if (!read_at(ends.head, 0) || !read_at(ends.tail, ends.size - ends.tail.size()))
    return errno_error(errno, "cannot read", file.path);
  return ends;
}

// What the first and the last bytes say.
Status check_ends(const MatchedFile& file) {
  OSIRIS_ASSIGN(const Ends ends, ends_of(file));
  if (ends.size == 0)
    return wrong(file, "is empty: a Parquet file without rows still has a schema",
                 "was it still being written, or did what made it fail?");
  const bool is_read = ends.size >= kBytesMin;
  const std::string_view first(ends.head.data(), ends.head.size()), last(ends.tail.data(), ends.tail.size());
  if (first == kEncryptedMagic || last == kEncryptedMagic)
    return wrong(file, "is an encrypted Parquet file, and this component has no keys", "write it without encryption");
  if (first == kMagic && (!is_read || last != kMagic))
    return wrong(
        file,
        "is cut short: it begins as a Parquet file and does not end as one (" + std::to_string(ends.size) + " bytes)",
        "was it still being written, or copied in part?");
  if (first != kMagic)
    return wrong(file, "is no Parquet file", "filesystem.csv_extractor and filesystem.json_extractor read text");
  return {};
}

// What the engine would read as something else, without a word.
Status check_numbers(StepContext& step, const MatchedFile& file) {
  OSIRIS_ASSIGN(const ParquetLosses losses, parquet_losses(step.connection_handle(), files::sql_path(file.absolute)));
  if (!losses.too_wide.empty()) return wrong(file, losses.too_wide, "leave it out with `columns`, or write it as text");
  for (const std::string& name : losses.cut_to_microseconds)
    step.log("column '" + name + "' of " + file.path +
             " holds timestamps of nanoseconds, with a time zone or of the old form INT96: they are read to the "
             "microsecond");
  return {};
}

Error in_file(const MatchedFile& file, const Error& error) {
  if (error.code != Code::kStepFailed) return error;
  return wrong(file, "cannot be read as Parquet: " + error.message, "it may be damaged: write it again");
}

Result<uint64_t> count_rows(StepContext& step, const MatchedFile& file) {
  OSIRIS_ASSIGN(sql::QueryResult counted,
                sql::run_query(step.connection_handle(),
                               "SELECT num_rows FROM parquet_file_metadata(" + files::sql_path(file.absolute) + ")"));
  return static_cast<uint64_t>(counted.integer());
}

Result<ParquetFile> open_file(StepContext& step, const MatchedFile& place) {
  OSIRIS_TRY(check_ends(place));
  ParquetFile file{place, {}, 0};
  OSIRIS_ASSIGN(file.columns,
                parquet_columns(step.connection_handle(), files::sql_path(place.absolute), FileReader::kScript));
  OSIRIS_ASSIGN(file.rows, count_rows(step, place));
  OSIRIS_TRY(check_numbers(step, place));
  return file;
}

}  // namespace

Result<std::vector<ParquetFile>> open_files(StepContext& step, const std::vector<MatchedFile>& places) {
  std::vector<ParquetFile> files;
  for (const MatchedFile& place : places) {
    if (step.is_cancelled()) return step_cancelled();
    auto file = open_file(step, place);
    if (!file.ok()) return in_file(place, file.error());
    files.push_back(*std::move(file));
  }
  return files;
}

Error named_error(StepContext& step, const std::vector<ParquetFile>& files, const Error& error) {
  if (error.code != Code::kStepFailed) return error;
  if (files.size() == 1) return in_file(files.front().place, error);
  for (const ParquetFile& file : files) {
    const auto read = sql::run_query(step.connection_handle(), "SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(" +
                                                                   files::sql_path(file.place.absolute) +
                                                                   ", hive_partitioning = false)");
    if (!read.ok()) return in_file(file.place, read.error());
  }
  return error;
}

}  // namespace osiris::worker::parquet
