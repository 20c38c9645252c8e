#include "tests/drivers/exec.processor/exec_step.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  prepare(step);
  step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name FROM range(" + std::to_string(rows) + ") t(i)");
  set_shell(step,
            "awk '{print} NR % 100000 == 0 {print \"::progress \" NR > \"/dev/stderr\"}' \"$OSIRIS_INPUT\" 2>&1 "
            ">\"$OSIRIS_OUTPUT\"",
            {{"columns", Json::object({{"id", "BIGINT"}, {"name", "VARCHAR"}})}});
}

void arrange_failure(StepHarness& step) {
  prepare(step);
  step.add_input("rows", "SELECT i AS id FROM range(1000) t(i)");
  set_shell(step, "head -500 \"$OSIRIS_INPUT\" > \"$OSIRIS_OUTPUT\"; exit 3");
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{
      .driver = &exec_processor(), .makes_relation = true, .arrange = arrange, .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
