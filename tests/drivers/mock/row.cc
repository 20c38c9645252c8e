#include "tests/drivers/suite.h"
#include "worker/drivers/mock/driver.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) { step.set_config({{"rows", rows}}); }

void arrange_failure(StepHarness& step) { step.set_config({{"rows", 100000}, {"fail_after_rows", 50000}}); }

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{
      .driver = &mock(), .makes_relation = true, .arrange = arrange, .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
