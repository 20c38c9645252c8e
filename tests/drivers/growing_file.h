// Runs after runs of an incremental extractor over the table `ticks` of a database file, which grows meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/drivers/harness.h"

namespace osiris::worker::test {

class GrowingFile : public testing::Test {
 protected:
  // `table`: what the config says of the table besides its name.
  GrowingFile(const Driver& driver, const std::string& file, Json incremental, Json table = Json::object())
      : driver_(driver),
        file_(files_.work_dir() / file),
        incremental_(std::move(incremental)),
        table_(std::move(table)) {}

  // Runs SQL in the file.
  virtual void put(const std::string& sql) = 0;

  // The ids that a run takes, or its error.
  std::string take(const std::string& query = {}) {
    StepHarness step;
    Json config = query.empty() ? table_ : Json::object({{"query", query}});
    if (query.empty()) config.set("table", "ticks");
    config.set("path", file_.string());
    config.set("incremental", incremental_);
    step.set_config(std::move(config));
    step.set_previous_state(state_);
    const auto outcome = step.run(driver_);
    if (!outcome.ok()) return outcome.error().message;
    if (!step.new_state().is_null()) state_ = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }

  // `columns` of the table are the id, `between` (with the values `constants`) and the cursor of `type`, of which
  // `values` are three in their order.
  void expect_each_row_once(const std::string& type, const std::vector<std::string>& values,
                            const std::string& between = "", const std::string& constants = "") {
    SCOPED_TRACE(type);
    state_ = Json();
    const auto insert = [&](int id, const std::string& value) {
      put("INSERT INTO ticks VALUES (" + std::to_string(id) + ", " + constants + value + ")");
    };
    put("DROP TABLE IF EXISTS ticks; CREATE TABLE ticks (id INTEGER, " + between + incremental_["column"].as_string() +
        " " + type + ")");
    insert(1, values[0]);
    insert(2, values[1]);
    EXPECT_EQ(take(), "1 2\n");
    EXPECT_EQ(take(), "\n");
    insert(3, values[1]);
    EXPECT_EQ(take(), "3\n");
    insert(4, values[2]);
    insert(5, values[1]);
    EXPECT_EQ(take("SELECT * FROM ticks;"), "4 5\n");
    EXPECT_EQ(take(), "\n");
  }

  const Driver& driver_;
  StepHarness files_;
  const std::filesystem::path file_;
  Json incremental_, table_, state_;
};

}  // namespace osiris::worker::test
