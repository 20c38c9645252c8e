#include "worker/drivers/db/chunk.h"

#include <algorithm>
#include <cstring>

namespace osiris::worker::db {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr size_t kInlineBytes = sizeof(duckdb_string_t{}.value.inlined.inlined);

duckdb_logical_type logical_type(const ColumnType& type) {
  if (type.id == DUCKDB_TYPE_DECIMAL) return duckdb_create_decimal_type(type.width, type.scale);
  if (type.id == DUCKDB_TYPE_LIST) {
    duckdb_logical_type item = logical_type(type.children[0]);
    duckdb_logical_type list = duckdb_create_list_type(item);
    duckdb_destroy_logical_type(&item);
    return list;
  }
  duckdb_logical_type plain = duckdb_create_logical_type(type.id);
  if (!type.alias.empty()) duckdb_logical_type_set_alias(plain, type.alias.c_str());
  return plain;
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

Slots::Slots(duckdb_vector vector, bool is_list, Arena& texts) : vector_(vector), texts_(&texts) {
  if (is_list) items_ = std::make_unique<Slots>(duckdb_list_vector_get_child(vector), false, texts);
  find();
}

void Slots::find() {
  data_ = duckdb_vector_get_data(vector_);
  validity_ = duckdb_vector_get_validity(vector_);
}

void Slots::clear(duckdb_vector vector) {
  vector_ = vector;
  find();
  if (!items_) return;
  items_->clear(duckdb_list_vector_get_child(vector));
  items_count_ = 0;
  items_room_ = duckdb_vector_size();
}

void Slots::set_null(size_t at) {
  if (!validity_) {
    duckdb_vector_ensure_validity_writable(vector_);
    validity_ = duckdb_vector_get_validity(vector_);
  }
  validity_[at / 64] &= ~(uint64_t{1} << (at % 64));
}

char* Slots::text(size_t at, size_t size) {
  auto& text = value<duckdb_string_t>(at).value;
  text.inlined.length = static_cast<uint32_t>(size);
  if (size <= kInlineBytes) {
    std::memset(text.inlined.inlined, 0, kInlineBytes);
    return text.inlined.inlined;
  }
  text.pointer.ptr = texts_->take(size);
  return text.pointer.ptr;
}

void Slots::set_text(size_t at, std::string_view text) {
  char* copy = this->text(at, text.size());
  std::memcpy(copy, text.data(), text.size());
  if (text.size() > kInlineBytes) {
    auto& pointer = value<duckdb_string_t>(at).value.pointer;
    std::memcpy(pointer.prefix, copy, sizeof pointer.prefix);
  }
}

size_t Slots::set_list(size_t at, size_t count) {
  const size_t first = items_count_;
  items_count_ += count;
  if (items_count_ > items_room_) {
    items_room_ = std::max({items_count_, items_room_ * 2, size_t{duckdb_vector_size()}});
    duckdb_list_vector_reserve(vector_, items_room_);
    items_->find();
  }
  duckdb_list_vector_set_size(vector_, items_count_);
  value<duckdb_list_entry>(at) = {first, count};
  return first;
}

Chunk::Chunk(const RelationColumns& columns) {
  std::vector<duckdb_logical_type> types;
  for (const RelationColumn& column : columns) types.push_back(logical_type(column.type));
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  for (size_t i = 0; i < columns.size(); ++i)
    columns_.emplace_back(duckdb_data_chunk_get_vector(chunk_, i), columns[i].type.id == DUCKDB_TYPE_LIST, texts_);
}

Chunk::~Chunk() { duckdb_destroy_data_chunk(&chunk_); }

void Chunk::clear() {
  duckdb_data_chunk_reset(chunk_);
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].clear(duckdb_data_chunk_get_vector(chunk_, i));
  texts_.clear();
}

void Chunk::set_rows(size_t rows) { duckdb_data_chunk_set_size(chunk_, rows); }

}  // namespace osiris::worker::db
