// The row in the driver suite of one that writes a file. `Format` says what is the format's own:
//   kDriver           the driver's function
//   kPath             "out/result.csv"
//   config()          more of the config, for the step that fails
//   kRefused          SQL: many rows, of which a late one cannot be written
#pragma once

#include <string>

#include "tests/drivers/suite.h"

namespace osiris::worker::test {

template <class Format>
class FileRow {
 public:
  static const DriverRow& row() {
    static const DriverRow row{.driver = &Format::kDriver(),
                               .writes_outside = true,
                               .arrange = arrange,
                               .arrange_failure = arrange_failure,
                               .written = written};
    return row;
  }

 private:
  static void arrange(StepHarness& step, uint64_t rows) {
    step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" +
                               std::to_string(rows) + ") t(i)");
    step.set_config({{"path", Format::kPath}});
  }
  static void arrange_failure(StepHarness& step) {
    step.write_file(Format::kPath, "the old file\n");
    step.add_input("rows", Format::kRefused);
    Json config = Format::config();
    config.set("path", Format::kPath);
    step.set_config(std::move(config));
  }
  static std::string written(StepHarness& step) {
    std::string all;
    std::error_code none;
    if (!std::filesystem::exists(step.work_dir() / "out", none)) return all;
    for (const std::string& name : step.files_in("out")) all += name + ":\n" + step.read_file("out/" + name);
    return all;
  }
};

}  // namespace osiris::worker::test
