// The bytes of binary COPY as a hostile PostgreSQL server may send them. Input: the number of columns, one byte for the
// kind of each, then the stream without its header. Whatever comes, the reader stays inside the bytes and stores a row,
// asks for more, or refuses.
// links: osiris_driver_postgres_extractor
#include <cstddef>
#include <cstdint>
#include <memory>

#include "worker/drivers/postgres.extractor/row_reader.h"

using namespace osiris::worker::postgres;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t count = 1 + data[0] % 16;
  if (size < 1 + count) return 0;
  Columns columns;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t choice = data[1 + i];
    Column column;
    column.name = "c" + std::to_string(i);
    column.kind = static_cast<Kind>(choice % (static_cast<int>(kLastKind) + 1));
    column.is_list = (choice & 0x80) != 0;
    column.digits = static_cast<uint8_t>(1 + choice * 7 % 38);
    column.scale = static_cast<uint8_t>(choice % column.digits);
    columns.kept.push_back(column);
  }
  // A buffer of exactly the stream's size: one byte beyond it is the sanitizer's.
  const size_t stream_size = size - 1 - count;
  const auto stream = std::make_unique<char[]>(stream_size);
  std::copy(data + 1 + count, data + size, stream.get());
  Bytes bytes(stream.get(), stream_size);
  RowReader reader(columns);
  osiris::worker::db::Chunk chunk(columns.relation());
  size_t rows = 0;
  for (; rows < duckdb_vector_size(); ++rows) {
    const size_t before = bytes.size();
    if (reader.take_row(bytes, chunk, rows, rows + 1) != RowReader::Outcome::kRow) break;
    if (bytes.size() >= before) __builtin_trap();
  }
  chunk.set_rows(rows);
  return 0;
}
