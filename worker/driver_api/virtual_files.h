// Files that are on no disk of this machine: bytes that a driver fetches as the engine asks for them, under a name that
// cannot be guessed.
#pragma once

#include <duckdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/base/error.h"

namespace osiris::worker {

class VirtualFile {
 public:
  virtual ~VirtualFile() = default;
  virtual uint64_t size_bytes() const = 0;
  // Exactly `size` bytes from `at` on, all of them within the file. [any thread]
  virtual Status read(uint64_t at, char* buffer, size_t size) = 0;
};

// Makes `file` readable in the connection's database for as long as it lives, and returns what the engine's readers
// call it. It may be read only. `kept_name` is the end of the name: "orders.parquet".
Result<std::string> define_virtual_file(duckdb_connection connection, const std::shared_ptr<VirtualFile>& file,
                                        const std::string& kept_name);

// The file that the engine's readers call so; null where there is none.
std::shared_ptr<VirtualFile> find_virtual_file(const std::string& name);

}  // namespace osiris::worker
