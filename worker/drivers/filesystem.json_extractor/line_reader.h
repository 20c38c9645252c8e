// The engine's reader of JSON lines with buffers of the size that the lines need. read_json itself takes 32 MiB for
// each buffer, whatever maximum_object_size says below 16 MiB: two of them for each thread, and a writer behind it gets
// so few and so large batches that half of what is read waits in memory.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <string>

#include "protocol/base/error.h"

namespace osiris::worker::json_in {

// A buffer holds twice as much.
inline constexpr uint64_t kObjectBytesMin = uint64_t{256} << 10;

// Puts a copy of read_json, which takes maximum_object_size at its word, into the connection's database and returns its
// name, which cannot be guessed.
Result<std::string> define_line_reader(duckdb_connection connection);

}  // namespace osiris::worker::json_in
