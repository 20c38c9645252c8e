// What a set of rows is, whatever their order: how many they are, and the sum modulo 2^128 of a hash of each (the first
// half of a SHA-256, of the row's digest by NH as in ContentHash, or of the row where it is long). Two sets with one
// fingerprint are the same rows; a value that went into another row changes it. A sum for each column, of a smaller
// hash, only tells which column to look at.
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

  // More rows of the same columns.
  void add(const Fingerprint& others);

  // All of it as a text, and back; nullopt for a text that is none, or of another number of columns.
  std::string state() const;
  static std::optional<Fingerprint> of_state(std::string_view state, size_t columns);

  uint64_t rows() const { return rows_; }
  size_t columns() const { return columns_.size(); }
  std::string text() const;  // the sum, 32 hexadecimal digits
  bool is_of_the_same_rows(const Fingerprint& other) const { return rows_ == other.rows_ && sum_ == other.sum_; }
  // Places of the columns whose values differ; none where the values went into other rows.
  std::vector<size_t> columns_that_differ(const Fingerprint& other) const;

 private:
  char* room_for(size_t bytes);
  void put(std::string_view bytes);
  void digest_held();

  struct LongRow;
  std::string row_;  // the row under way, its first `held_` bytes: of each value whether it is one, its length, itself
  size_t held_ = 0;
  std::unique_ptr<LongRow> long_;  // what came before `row_`, of a row that is not held at once
  size_t column_ = 0;
  uint64_t rows_ = 0;
  Uint128 sum_ = 0;
  std::vector<uint64_t> columns_;
};

}  // namespace osiris::worker::db
