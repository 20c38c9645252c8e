#include "worker/drivers/filesystem.csv_extractor/text_rows.h"

#include <duckdb/common/file_system.hpp>

#include <algorithm>

#include "worker/drivers/filesystem.csv_extractor/encoding.h"

namespace osiris::worker::csv {
namespace {

using duckdb::LogicalType;

// Keeps a block for as long as texts point into it.
class BlockPin : public duckdb::VectorBuffer {
 public:
  explicit BlockPin(std::shared_ptr<BlockBytes> bytes)
      : VectorBuffer(duckdb::VectorBufferType::OPAQUE_BUFFER), hold_(std::move(bytes)) {}

 private:
  const BlockBytes::Hold hold_;
};

std::shared_ptr<duckdb::FileHandle> open_file(duckdb::ClientContext& context, const ScanFile& file) {
  auto& files = duckdb::FileSystem::GetFileSystem(context);
  return std::shared_ptr<duckdb::FileHandle>(files.OpenFile(file.path, duckdb::FileFlags::FILE_FLAGS_READ).release());
}

std::vector<uint64_t> lines_of(const ScanPlan& plan) {
  std::vector<uint64_t> lines;
  for (const ScanFile& file : plan.files) lines.push_back(file.skip_lines);
  return lines;
}

}  // namespace

LogicalType engine_type(const ScanColumn& column) {
  if (column.is_timestamp) return LogicalType::TIMESTAMP;
  switch (column.kind) {
    case Kind::kBoolean:
      return LogicalType::BOOLEAN;
    case Kind::kInteger:
      return LogicalType::BIGINT;
    case Kind::kUnsigned:
      return LogicalType::UBIGINT;
    case Kind::kDouble:
      return LogicalType::DOUBLE;
    default:
      return LogicalType::VARCHAR;
  }
}

std::vector<TextRead> reads_of(ScanState& state, std::vector<TextRead> wanted) {
  std::vector<bool> is_read(state.plan().columns.size());
  for (const TextRead& read : wanted) is_read[read.column] = true;
  for (size_t i = 0; i < is_read.size(); ++i)
    if (!is_read[i] && state.must_convert && state.must_convert(state.plan().columns[i].name)) wanted.push_back({i});
  if (wanted.empty()) wanted.push_back({0});
  for (const TextRead& read : wanted) state.reads(read.column);
  return wanted;
}

ScanText::ScanText(duckdb::ClientContext& context, const ScanPlan& plan)
    : first_(open_file(context, plan.files.front())),
      bytes_(plan.bytes > 0 ? plan.bytes
                            : static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(first_->GetFileSize())))),
      blocks_([this, &context, &plan](size_t file) { return reader_of(context, plan, file); }, lines_of(plan),
              plan.delimiter) {}

RecordBlocks::Read ScanText::reader_of(duckdb::ClientContext& context, const ScanPlan& plan, size_t number) {
  const auto file = first_ ? std::exchange(first_, nullptr) : open_file(context, plan.files[number]);
  return [file](char* to, size_t size) { return static_cast<size_t>(file->Read(to, size)); };
}

double ScanText::percent() const {
  const auto read = static_cast<double>(blocks_.bytes_read());
  return bytes_ > 0 ? std::min(100.0, 100 * read / static_cast<double>(bytes_)) : 0;
}

ScanRows::ScanRows(ScanState& state, duckdb::ClientContext& context, const ScanText& text,
                   const std::vector<TextRead>& reads)
    : state_(state),
      text_(text),
      reads_(reads),
      thread_(state),
      records_(state.plan().delimiter, state.plan().fields),
      slots_(reads.size()),
      points_(reads.size()) {
  texts_.Initialize(context, duckdb::vector<LogicalType>(reads.size(), LogicalType::VARCHAR));
}

void ScanRows::begin_block() {
  if (find_invalid_utf8(block_.text()) != std::string_view::npos)
    throw duckdb::InvalidInputException("the text is not UTF-8");
  thread_.take(block_);
  records_.begin(block_.text());
  has_records_ = true;
}

void ScanRows::put_record(duckdb::idx_t row) {
  for (size_t i = 0; i < reads_.size(); ++i) {
    const std::string_view field = records_.field(state_.plan().columns[reads_[i].column].field);
    const auto size = static_cast<uint32_t>(field.size());
    if (size == 0) {
      duckdb::FlatVector::SetNull(texts_.data[i], row, true);
    } else if (size <= duckdb::string_t::INLINE_LENGTH || !records_.is_rewritten()) {
      slots_[i][row] = duckdb::string_t(field.data(), size);
      points_[i] = points_[i] || size > duckdb::string_t::INLINE_LENGTH;
    } else {
      slots_[i][row] = duckdb::StringVector::AddString(texts_.data[i], field.data(), size);
    }
  }
}

// Records of the block into `texts_`; false: there are none left.
bool ScanRows::read_records() {
  texts_.Reset();
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i] = duckdb::FlatVector::GetData<duckdb::string_t>(texts_.data[i]);
    points_[i] = false;
  }
  duckdb::idx_t rows = 0;
  while (has_records_ && rows < STANDARD_VECTOR_SIZE) {
    const RecordFields::Next next = records_.next();
    if (next == RecordFields::Next::kMisfit)
      throw duckdb::InvalidInputException("a record has another number of fields");
    has_records_ = next == RecordFields::Next::kRecord;
    if (has_records_) put_record(rows++);
  }
  for (size_t i = 0; i < points_.size(); ++i)
    if (points_[i]) duckdb::StringVector::AddBuffer(texts_.data[i], duckdb::make_buffer<BlockPin>(block_.bytes));
  texts_.SetCardinality(rows);
  return rows > 0;
}

// The rows of `texts_`, or none once values do not fit.
void ScanRows::give(duckdb::DataChunk& out) {
  const uint64_t rows = texts_.size();
  bool fits = !state_.is_unfit();
  for (size_t i = 0; i < reads_.size() && fits; ++i) {
    const TextRead& read = reads_[i];
    duckdb::Vector* target = read.out == duckdb::DConstants::INVALID_INDEX ? nullptr : &out.data[read.out];
    fits = thread_.convert(read.column, texts_.data[i], target, rows);
  }
  if (fits) return out.SetCardinality(rows);
  thread_.fail();
  if (!state_.watches()) throw duckdb::InvalidInputException("a value does not fit its column");
  for (size_t i = 0; i < reads_.size(); ++i) thread_.observe(reads_[i].column, texts_.data[i], rows);
  out.Reset();
}

bool ScanRows::read(duckdb::DataChunk& out) {
  if (!read_records()) {
    thread_.give_all();
    return false;
  }
  thread_.count(block_.file, texts_.size(), [this] { return text_.percent(); });
  give(out);
  return true;
}

}  // namespace osiris::worker::csv
