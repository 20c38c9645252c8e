// A database extractor's step read in the parts of `foreach: {split: …}`, as the executor would, one after the other.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/text.h"
#include "tests/drivers/harness.h"

namespace osiris::worker::test {

inline Json split_of(const std::string& column, uint64_t parts, bool is_consistent = false) {
  Json split = Json::object({{"column", column}, {"parts", parts}});
  if (!is_consistent) split.set("consistency", "none");
  return Json::object({{"split", std::move(split)}});
}

class Parts {
 public:
  Parts(StepHarness& step, const Driver& driver, Json rule) : step_(step), driver_(driver), rule_(std::move(rule)) {}

  Status settle() {
    step_.set_no_shard();
    auto settled = driver_.settle(step_, rule_, false);
    if (!settled.ok()) return settled.error();
    settled_ = *std::move(settled);
    return {};
  }
  const Json& common() const { return settled_.common; }
  SharedSource* source() { return settled_.source.get(); }
  void drop_source() { settled_.source.reset(); }

  // The rows of one part, a line each, sorted; or the error.
  Result<std::vector<std::string>> read(uint64_t part) {
    step_.set_shard(part, rule_, settled_.common);
    auto rows = read_now();
    step_.set_no_shard();
    return rows;
  }
  Result<std::vector<std::string>> read_whole() {
    step_.set_no_shard();
    return read_now();
  }
  // Of all parts, in their order.
  std::vector<std::vector<std::string>> read_all() {
    std::vector<std::vector<std::string>> all;
    for (uint64_t part = 0; part <= rule_["split"]["parts"].as_uint(); ++part) {
      auto rows = read(part);
      EXPECT_TRUE(rows.ok()) << part << ": " << (rows.ok() ? "" : rows.error().message);
      all.push_back(rows.ok() ? *rows : std::vector<std::string>());
    }
    return all;
  }
  // Settles and reads: every row once, and those without a value in the last part alone. `key`: the column's place.
  std::vector<size_t> expect_whole(size_t key = 0) {
    const Status settled = settle();
    EXPECT_TRUE(settled.ok()) << (settled.ok() ? "" : settled.error().message);
    std::vector<std::string> joined;
    std::vector<size_t> counts;
    const auto parts = settled.ok() ? read_all() : std::vector<std::vector<std::string>>();
    for (size_t i = 0; i < parts.size(); ++i) {
      counts.push_back(parts[i].size());
      for (const std::string& row : parts[i]) {
        joined.push_back(row);
        EXPECT_EQ(split(row, '|').at(key) == "NULL", i + 1 == parts.size()) << row << " in part " << i;
      }
    }
    std::sort(joined.begin(), joined.end());
    const auto whole = read_whole();
    EXPECT_TRUE(whole.ok() && joined == *whole) << settled_.common.dump();
    return counts;
  }

 private:
  Result<std::vector<std::string>> read_now() {
    const auto outcome = step_.run(driver_);
    if (!outcome.ok()) return outcome.error();
    std::vector<std::string> rows;
    for (const std::string& row : split(step_.query("SELECT COLUMNS(*)::VARCHAR FROM {out}"), '\n'))
      if (!row.empty()) rows.push_back(row);
    std::sort(rows.begin(), rows.end());
    step_.sql("DROP TABLE " + step_.output_table().quoted());
    return rows;
  }

  StepHarness& step_;
  const Driver& driver_;
  const Json rule_;
  Settled settled_;
};

}  // namespace osiris::worker::test
