// What a set of rows is, whatever their order: how many they are, and the sum modulo 2^128 of a hash of each: of the
// row's digest by NH, as in ContentHash, the last block of CBC by AES, and of a row that is longer than one block of NH
// the first half of a SHA-256. Two sets with one fingerprint are the same rows; a value that went into another row
// changes it. A sum for each column, of a smaller hash, only tells which column to look at. One SHA-256 for each row
// would take as long as all the rest (docs/decisions/0266-read-back-while-it-is-written.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris::worker::db {

__extension__ using Uint128 = unsigned __int128;

class Fingerprint {
 public:
  explicit Fingerprint(size_t columns);
  ~Fingerprint();
  Fingerprint(Fingerprint&&) noexcept;

  // A row: each of its values in the order of the columns, then end_row().
  void add(std::string_view value);
  void add_null();
  void end_row();
  // The same of values that stand side by side, each with its length: of all of them add_bytes(), of which the row's
  // hash is, and of each one of the other two, for the sum of its column.
  void add_bytes(std::string_view bytes);
  void add_to_column(std::string_view value);
  void add_null_to_column();

  // More rows of the same columns.
  void add(const Fingerprint& others);

  // All of it as a text, and back; nullopt for a text that is none, or of another number of columns.
  std::string state() const;
  static std::optional<Fingerprint> of_state(std::string_view state, size_t columns);

  uint64_t rows() const { return rows_; }
  size_t columns() const { return columns_.size(); }
  std::string text() const;  // the sum, 32 hexadecimal digits
  bool is_of_the_same_rows(const Fingerprint& other) const { return rows_ == other.rows_ && sum() == other.sum(); }
  // Places of the columns whose values differ; none where the values went into other rows.
  std::vector<size_t> columns_that_differ(const Fingerprint& other) const;

 private:
  char* room_for(size_t bytes);
  void put(std::string_view bytes);
  void end_held_row();
  void end_long_row();
  Uint128 sum() const;

  struct Hashes;
  std::string row_;  // the row under way, its first `held_` bytes: of each value whether it is one, its length, itself
  size_t held_ = 0;
  std::unique_ptr<Hashes> hashes_;
  size_t column_ = 0;
  uint64_t rows_ = 0;
  Uint128 sum_ = 0;  // of rows whose hash is made
  std::vector<uint64_t> columns_;
};

}  // namespace osiris::worker::db
