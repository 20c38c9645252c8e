// Lists in [ ] and mappings in { } as slip.cc reads them.
#pragma once

#include <optional>
#include <vector>

#include "host/yaml/slip_scalar.h"

namespace osiris::yaml_slip {

class Flow {
 public:
  bool is_open() const { return !open_.empty(); }
  // Reads on from `at`: to the end of the line, or to the bracket that closes the outermost one.
  std::optional<Found> read(const Line& line, size_t at);
  // The quotation mark, or else the innermost bracket, that is not closed.
  Found unclosed() const;

 private:
  struct Bracket {
    char sign = 0;
    int line = 0;
    size_t column = 0;
    size_t indent = 0;  // of its line
  };
  // What is expected next in the innermost bracket.
  enum class Next { kValue, kComma };

  std::optional<Found> read_value(const Line& line, size_t& at);
  std::optional<Found> close(const Line& line, size_t at);

  std::vector<Bracket> open_;
  Next next_ = Next::kValue;
  Quote quote_;
};

}  // namespace osiris::yaml_slip
