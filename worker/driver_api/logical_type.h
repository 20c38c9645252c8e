// The engine's types, and the texts it gives, which the caller frees.
#pragma once

#include <duckdb.h>

#include <string>

namespace osiris::worker {

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  duckdb_logical_type get() const { return type_; }

 private:
  duckdb_logical_type type_;
};

// The text, which is freed; empty for null.
inline std::string taken(char* text) {
  std::string copy = text ? text : "";
  duckdb_free(text);
  return copy;
}

}  // namespace osiris::worker
