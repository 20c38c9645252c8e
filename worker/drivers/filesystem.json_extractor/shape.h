// What the values of one key are, over all records: a tree that grows with the keys and not with the records.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "worker/driver_api/column_type.h"

namespace osiris::worker::json_in {

enum class Kind { kNull, kBoolean, kText, kNumber, kList, kObject };

class Shape {
 public:
  void add_null() {}
  void add_boolean() { kinds_ |= bit(Kind::kBoolean); }
  void add_text() { kinds_ |= bit(Kind::kText); }
  void add_number(std::string_view text);  // as JSON spells it
  Shape& add_list();                       // that of the items
  void add_object() { kinds_ |= bit(Kind::kObject); }
  Shape& member(std::string_view key);
  // It is kept as JSON whatever its values are: nested too deep.
  void give_up() { irregular_ = true; }

  const std::vector<std::pair<std::string, std::unique_ptr<Shape>>>& members() const { return members_; }
  // Two keys of one spelling but for the case of letters, an empty one, or more than kMembersMax: empty when there are
  // none. Such an object is no STRUCT.
  std::string odd_keys() const { return odd_keys_; }

  // The type that holds all values exactly; nullopt where only their text does.
  std::optional<ColumnType> type() const;
  // Numbers that no type of numbers holds, and nothing else.
  bool is_beyond_numbers() const;
  // "numbers and text", for messages.
  std::string described() const;
  // A number of which DOUBLE does not keep all digits, as the file has it; empty: none.
  const std::string& rounded() const { return rounded_; }

 private:
  static unsigned bit(Kind kind) { return 1u << static_cast<unsigned>(kind); }
  std::optional<ColumnType> number_type() const;

  unsigned kinds_ = 0;
  bool irregular_ = false;
  bool has_whole_ = false, has_fraction_ = false;
  bool has_negative_ = false, beyond_signed_ = false, beyond_64_ = false;
  bool beyond_all_ = false;         // no type of numbers holds it
  bool inexact_in_double_ = false;  // a whole number
  std::string rounded_;
  std::string odd_keys_;
  std::unique_ptr<Shape> item_;
  std::vector<std::pair<std::string, std::unique_ptr<Shape>>> members_;
  std::unordered_map<std::string, size_t> places_;  // by the key in lower case
};

inline constexpr size_t kMembersMax = 2000;

}  // namespace osiris::worker::json_in
