// Where columns are by their names, as SQL compares names: case does not count. A look-up takes the same time however
// many columns there are.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace osiris::worker {

class NameIndex {
 public:
  NameIndex() = default;
  // `name_of`: of each element, &FileColumn::name for one.
  template <class List, class NameOf = std::identity>
  explicit NameIndex(const List& list, NameOf name_of = {}) {
    for (const auto& each : list) add(std::invoke(name_of, each));
  }

  // Behind the others.
  void add(std::string name);
  // The place of the column that is called just so, or else of the first that differs in case alone.
  std::optional<size_t> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::vector<size_t>> places_;  // by the name in lower case
};

}  // namespace osiris::worker
