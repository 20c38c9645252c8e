// The bytes of a row as a hostile MySQL server may send them. Input: the number of columns, one byte for the kind of
// each, then the row's values. Whatever comes, the reader stays inside the buffer and either stores a value or refuses.
// links: osiris_driver_mysql_extractor
#include <cstddef>
#include <cstdint>
#include <memory>

#include "worker/drivers/mysql.extractor/row_reader.h"

using namespace osiris::worker::mysql;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t count = 1 + data[0] % 16;
  if (size < 1 + count) return 0;
  Columns columns;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t choice = data[1 + i];
    Column column{"c" + std::to_string(i),
                  static_cast<Kind>(choice % (static_cast<int>(Kind::kNull) + 1)),
                  (choice & 0x80) != 0,
                  true,
                  0,
                  0};
    if (column.kind == Kind::kDecimal) {
      column.digits = static_cast<uint8_t>(1 + choice * 7 % 38);
      column.scale = static_cast<uint8_t>(choice % column.digits);
    }
    columns.received.push_back(column);
    columns.kept.push_back(static_cast<uint32_t>(i));
  }
  // A buffer of exactly the row's size: one byte beyond it is the sanitizer's.
  const size_t row_size = size - 1 - count;
  const auto row = std::make_unique<unsigned char[]>(row_size);
  std::copy(data + 1 + count, data + size, row.get());
  MYSQL mysql{};
  mysql.net.buff_end = row.get() + row_size;

  RowReader reader(columns, &mysql);
  osiris::worker::db::Chunk chunk(columns.relation());
  reader.aim(&chunk, 0, 1);
  unsigned char* at = row.get();
  for (unsigned i = 0; i < count; ++i) RowReader::on_value(&reader, i, i % 5 == 4 ? nullptr : &at);
  if (at < row.get() || at > row.get() + row_size) __builtin_trap();
  chunk.set_rows(reader.error() ? 0 : 1);
  return 0;
}
