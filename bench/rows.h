// Which rows of the table are measured: all, or those that were asked for by name. Each is printed as soon as it is
// there.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

class Rows {
 public:
  // `wanted`: names; empty: every row.
  explicit Rows(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}

  // Measures and prints, unless others are wanted. What the rows need is made in `measure`, so that it is not made for
  // rows that are not wanted.
  void add(const std::string& name, const std::function<std::vector<Row>()>& measure);
  // 0; 2 after a message where a wanted name was no row's.
  int finish() const;

 private:
  const std::vector<std::string> wanted_;
  std::vector<std::string> names_;
};

}  // namespace osiris::bench
