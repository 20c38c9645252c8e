#include "tests/drivers/singer.extractor/tap.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

// Rows as fast as Python writes them: the lines are made once.
void arrange(StepHarness& step, uint64_t rows) {
  arrange_tap(step,
              "schema(id=INTEGER, name=TEXT)\nline = json.dumps({'type': 'RECORD', 'stream': 'users', 'record': "
              "{'id': 7, 'name': 'n'}}) + '\\n'\nrows = " +
                  std::to_string(rows) +
                  "\nfor begin in range(0, rows, 1000): sys.stdout.write(line * min(1000, rows - begin))\n");
}

void arrange_failure(StepHarness& step) {
  arrange_tap(step, "schema(id=INTEGER)\nfor n in range(20000): record(id=n)\nsys.exit('no luck')\n");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  step.set_connection(
      "singer", "api",
      Json::object({{"secrets", Json::object({{"nested", Json::object({{"token", secret}})}}).dump()}}));
  arrange_tap(step, "print('logging in with', config['nested']['token'], file=sys.stderr)\nprint(config)\n");
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &singer_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
