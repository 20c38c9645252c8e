// What the server says of a result it has sent. MySQL cuts, clamps or nulls values it cannot make and only warns; those
// warnings are read here and told apart from the ones that leave every value as it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::mysql {

enum class OnWarning { kError, kLog };

// One of SHOW WARNINGS, as often as it is there.
struct Warning {
  bool is_note = false;
  unsigned number = 0;
  std::string text;  // of the first one
  uint64_t count = 1;
};

// The warnings of one result, added up by number.
class Warnings {
 public:
  explicit Warnings(uint64_t told) : told_(told) {}
  void add(Warning warning);
  void set_told(uint64_t told) { told_ = told; }
  const std::vector<Warning>& all() const { return all_; }
  uint64_t count() const { return count_; }
  uint64_t told() const { return told_; }  // how many there were; a server lists 65,535 at most

 private:
  std::vector<Warning> all_;  // in the order of their first one
  uint64_t count_ = 0, told_ = 0;
};

// Whether a value that arrived is not the one the query asks for. `filters_only`: conversions are in filters.
bool changes_values(const Warning& warning, bool filters_only);

// "Row 1 was cut by GROUP_CONCAT() (warning 1260), 3 times"
std::string words(const Warning& warning);

// The error of a step whose values were changed, or may have been: a warning that is not listed may be any. Ok when
// every warning leaves them as they are.
Status judge(const Warnings& warnings, bool filters_only, const std::string& step_id);

}  // namespace osiris::worker::mysql
