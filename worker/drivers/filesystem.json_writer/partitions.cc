#include "worker/drivers/filesystem.json_writer/partitions.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/categories.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/replacing_file.h"
#include "protocol/base/text.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/files/byte_sink.h"
#include "worker/drivers/files/partition_columns.h"
#include "worker/drivers/remote/output_directory.h"

namespace osiris::worker::json_out {
namespace {

namespace fs = std::filesystem;
using sql::quote_identifier;

constexpr size_t kHeldBytes = size_t{64} << 20;  // of all partitions
constexpr size_t kBlockBytes = size_t{1} << 20;
// Of what an earlier run may have written.
constexpr std::string_view kSuffixes[] = {".json",       ".json.gz",    ".json.bz2",  ".json.zip",
                                          ".json.xz",    ".json.zst",   ".ndjson",    ".ndjson.gz",
                                          ".ndjson.bz2", ".ndjson.zip", ".ndjson.xz", ".ndjson.zst"};

std::string_view text_at(duckdb_data_chunk chunk, idx_t column, idx_t row) {
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)));
  return {duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row])};
}

// The lines of some rows, by the directory that each goes to.
struct Lines {
  std::string bytes;
  uint64_t rows = 0;
};

class PartitionBatch : public BatchWriter::Batch {
 public:
  void add(duckdb_data_chunk chunk) override {
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < rows; ++row) {
      Lines& lines = lines_[std::string(text_at(chunk, 0, row))];
      const std::string_view record = text_at(chunk, 1, row);
      lines.bytes.append(record).append(1, '\n');
      ++lines.rows;
      bytes_ += record.size() + 1;
    }
  }
  size_t size_bytes() const override { return bytes_; }
  std::map<std::string, Lines>& lines() { return lines_; }

 private:
  std::map<std::string, Lines> lines_;
  size_t bytes_ = 0;
};

// Rows come in any order of their directories: each one's lines are collected in a file of the scratch directory, and
// become the file that is wanted when all of them are there. So memory is bounded, and one file is open at a time.
class Partitions : public BatchWriter {
 public:
  Partitions(StepContext& step, const Options& options)
      : step_(step), options_(options), scratch_(step.scratch_dir() / "partitions") {}
  ~Partitions() override {
    std::error_code ignored;
    fs::remove_all(scratch_, ignored);
  }

  Result<StepOutcome> run(const std::vector<FileColumn>& columns) {
    std::vector<FileColumn> others;
    for (const FileColumn& column : columns)
      if (!files::is_partition(options_.partition_by, column)) others.push_back(column);
    const std::string source = files::input_source(step_);
    OSIRIS_TRY(check_json_numbers(step_.connection_handle(), source, others));
    remote::OutputDirectory directory(step_, options_.file);
    OSIRIS_TRY(directory.open(options_.create_dirs, {std::begin(kSuffixes), std::end(kSuffixes)}));
    OSIRIS_TRY(make_directories(scratch_));
    // The record's text, behind the directory's.
    const std::string records = json_select(source, others).substr(std::string_view("SELECT ").size());
    OSIRIS_ASSIGN(const uint64_t rows, write_rows(step_.connection_handle(),
                                                  "SELECT " + directory_expression() + ", " + records, *this, false));
    if (rows == 0) kept_[files::null_directory(options_.partition_by)];  // one file
    OSIRIS_TRY(flush());
    OSIRIS_TRY(step_.inputs_are_sound());
    std::vector<remote::WrittenFile> written;
    for (const auto& [name, kept] : kept_) {
      OSIRIS_ASSIGN(remote::WrittenFile file, finish(name, kept, directory.staging()));
      written.push_back(std::move(file));
    }
    if (step_.is_cancelled()) return step_cancelled();
    step_.progress(rows);
    OSIRIS_TRY(directory.deliver(written));
    return StepOutcome{.rows_read = rows, .rows_written = rows};
  }

  std::unique_ptr<Batch> begin() override { return std::make_unique<PartitionBatch>(); }

  Status write(Batch& written) override {
    if (step_.is_cancelled()) return step_cancelled();
    for (auto& [name, lines] : static_cast<PartitionBatch&>(written).lines()) {
      Kept& kept = kept_[name];
      kept.held += lines.bytes;
      kept.rows += lines.rows;
      held_bytes_ += lines.bytes.size();
      rows_ += lines.rows;
    }
    step_.progress(rows_);
    return held_bytes_ > kHeldBytes ? flush() : Status();
  }

 private:
  struct Kept {
    std::string held;  // lines that are not in the file yet
    uint64_t rows = 0, bytes = 0;
    size_t number = 0;  // of its file; 0: none yet
  };

  std::string directory_expression() const {
    std::string expression;
    for (const std::string& name : options_.partition_by) {
      const std::string column = quote_identifier(name);
      expression += (expression.empty() ? "" : " || '/' || ") + sql::quote_literal(percent_encode(name) + "=") +
                    " || CASE WHEN " + column + " IS NULL THEN '" + files::kNullPartition + "' ELSE url_encode(CAST(" +
                    column + " AS VARCHAR)) END";
    }
    return expression;
  }

  fs::path lines_of(const Kept& kept) const { return scratch_ / std::to_string(kept.number); }

  Status flush() {
    for (auto& [name, kept] : kept_) {
      if (kept.held.empty()) continue;
      if (kept.number == 0) kept.number = ++files_;
      const FileDescriptor file = FileDescriptor::open(lines_of(kept), O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (!file.is_open()) return errno_error(errno, "cannot make", lines_of(kept));
      if (!write_all(file.get(), kept.held)) return errno_error(errno, "cannot write", lines_of(kept));
      kept.bytes += kept.held.size();
      kept.held = {};
    }
    held_bytes_ = 0;
    return {};
  }

  Result<remote::WrittenFile> finish(const std::string& directory, const Kept& kept, const fs::path& staging) {
    if (step_.is_cancelled()) return step_cancelled();
    const std::string name = directory + "/data_0" + (options_.is_lines ? ".ndjson" : ".json") +
                             std::string(files::suffix_of(options_.compression));
    ReplacingFile file(staging / name);
    OSIRIS_TRY(file.open(true));
    file.keep_digest();
    const auto sink = files::make_sink(options_.compression, fs::path(name).filename(), file);
    if (!options_.is_lines) OSIRIS_TRY(sink->write(kept.rows == 0 ? "[" : "[\n"));
    if (kept.rows > 0) OSIRIS_TRY(copy_lines(kept, *sink));
    if (!options_.is_lines) OSIRIS_TRY(sink->write("]\n"));
    OSIRIS_TRY(sink->finish());
    OSIRIS_TRY(file.commit());
    return remote::WrittenFile{name, kept.rows, file.digest()};
  }

  // A record holds no line end of its own.
  Status copy_lines(const Kept& kept, files::ByteSink& sink) {
    const FileDescriptor in = FileDescriptor::open(lines_of(kept), O_RDONLY);
    if (!in.is_open()) return errno_error(errno, "cannot open", lines_of(kept));
    std::string block(kBlockBytes, '\0'), separated;
    for (uint64_t done = 0; done < kept.bytes;) {
      const int64_t got = read_some(in.get(), block.data(), block.size());
      if (got < 0) return errno_error(errno, "cannot read", lines_of(kept));
      if (got == 0) return Error(Code::kInternal, lines_of(kept).string() + " became shorter");
      const std::string_view bytes(block.data(), static_cast<size_t>(got));
      done += bytes.size();
      if (options_.is_lines) {
        OSIRIS_TRY(sink.write(bytes));
        continue;
      }
      separated.clear();
      for (const char c : bytes) {
        if (c == '\n') separated += ',';
        separated += c;
      }
      // Behind the last record there is no comma.
      if (done == kept.bytes) separated.erase(separated.size() - 2, 1);
      OSIRIS_TRY(sink.write(separated));
    }
    return {};
  }

  StepContext& step_;
  const Options& options_;
  const fs::path scratch_;
  std::map<std::string, Kept> kept_;  // by directory
  size_t files_ = 0, held_bytes_ = 0;
  uint64_t rows_ = 0;
};

}  // namespace

Result<StepOutcome> write_partitions(StepContext& step, const Options& options,
                                     const std::vector<FileColumn>& columns) {
  if (step.inputs().front().is_streamed)
    return Error(Code::kUnsupported, "the values that name directories are looked at first");
  OSIRIS_TRY(files::check_partitions(step, options.partition_by, columns));
  return Partitions(step, options).run(columns);
}

}  // namespace osiris::worker::json_out
