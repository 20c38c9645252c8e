#include "tests/drivers/python.processor/python_step.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  prepare(step);
  step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name FROM range(" + std::to_string(rows) + ") t(i)");
  set_code(step,
           "done = 0\n"
           "with open(os.environ['OSIRIS_INPUT']) as source, open(os.environ['OSIRIS_OUTPUT'], 'w') as out:\n"
           "    for line in source:\n"
           "        out.write(line)\n"
           "        done += 1\n"
           "        if done % 100000 == 0: print('::progress', done)\n",
           {{"columns", Json::object({{"id", "BIGINT"}, {"name", "VARCHAR"}})}});
}

void arrange_failure(StepHarness& step) {
  prepare(step);
  step.add_input("rows", "SELECT i AS id FROM range(1000) t(i)");
  set_code(step, "write(rows()[:500])\nraise SystemExit(3)\n");
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{
      .driver = &python_processor(), .makes_relation = true, .arrange = arrange, .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
