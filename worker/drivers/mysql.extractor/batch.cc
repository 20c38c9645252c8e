#include "worker/drivers/mysql.extractor/batch.h"

#include <cstring>

namespace osiris::worker::mysql {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr size_t kInlineBytes = sizeof(duckdb_string_t{}.value.inlined.inlined);

duckdb_logical_type logical_type(const Column& column) {
  if (column.kind == Kind::kDecimal) return duckdb_create_decimal_type(column.digits, column.scale);
  return duckdb_create_logical_type(column.type());
}

}  // namespace

char* Arena::take_new(size_t bytes) {
  if (bytes > kBlockBytes / 4) {
    // A block of its own, below the current one, which goes on being filled.
    auto block = std::make_unique_for_overwrite<char[]>(bytes);
    char* start = block.get();
    blocks_.insert(blocks_.empty() ? blocks_.end() : blocks_.end() - 1, std::move(block));
    return start;
  }
  blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
  next_ = blocks_.back().get();
  left_ = kBlockBytes;
  return take(bytes);
}

void Arena::clear() {
  // A last block with something left was of ordinary size; an oversized first one leaves nothing.
  if (next_ == nullptr) {
    blocks_.clear();
    return;
  }
  if (blocks_.size() > 1) blocks_.erase(blocks_.begin(), blocks_.end() - 1);
  next_ = blocks_.back().get();
  left_ = kBlockBytes;
}

Chunk::Chunk(const Columns& columns) {
  std::vector<duckdb_logical_type> types;
  for (const uint32_t index : columns.kept) types.push_back(logical_type(columns.received[index]));
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  data_.resize(columns.kept.size());
  validity_.resize(columns.kept.size());
  find_columns();
}

Chunk::~Chunk() { duckdb_destroy_data_chunk(&chunk_); }

void Chunk::find_columns() {
  for (size_t i = 0; i < data_.size(); ++i) {
    data_[i] = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk_, i));
    validity_[i] = nullptr;
  }
}

void Chunk::clear() {
  duckdb_data_chunk_reset(chunk_);
  find_columns();
  texts_.clear();
  rows_ = 0;
}

void Chunk::set_rows(size_t rows) {
  rows_ = rows;
  duckdb_data_chunk_set_size(chunk_, rows);
}

void Chunk::set_null(size_t column, size_t row) {
  uint64_t*& validity = validity_[column];
  if (!validity) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, column);
    duckdb_vector_ensure_validity_writable(vector);
    validity = duckdb_vector_get_validity(vector);
  }
  validity[row / 64] &= ~(uint64_t{1} << (row % 64));
}

void Chunk::set_text(size_t column, size_t row, std::string_view text) {
  auto& value = at<duckdb_string_t>(column, row).value;
  value.inlined.length = static_cast<uint32_t>(text.size());
  if (text.size() <= kInlineBytes) {
    std::memset(value.inlined.inlined, 0, kInlineBytes);
    std::memcpy(value.inlined.inlined, text.data(), text.size());
    return;
  }
  char* copy = texts_.take(text.size());
  std::memcpy(copy, text.data(), text.size());
  std::memcpy(value.pointer.prefix, copy, sizeof value.pointer.prefix);
  value.pointer.ptr = copy;
}

}  // namespace osiris::worker::mysql
