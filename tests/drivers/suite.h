// The shared driver suite: what every driver must do, whatever it moves. A driver joins by one small file that defines
// driver_row() and is linked with suite.cc (osiris_driver_test in CMakeLists.txt); the suite asks nothing else of it.
#pragma once

#include <cstdint>
#include <string>

#include "tests/drivers/harness.h"

namespace osiris::worker::test {

struct DriverRow {
  const Driver* driver = nullptr;
  bool makes_relation = false;  // leaves output_table(): extractors and transformers
  bool writes_outside = false;  // carries rows somewhere else: writers

  // Sets up a step that moves exactly `rows` rows when run; `rows` may be 0, and is a million in the cancel tests.
  void (*arrange)(StepHarness&, uint64_t rows) = nullptr;
  // Sets up a step that fails after it has begun to move rows.
  void (*arrange_failure)(StepHarness&) = nullptr;
  // For a driver whose rows come all at once, at the end of one statement: sets up a step that runs until it is
  // stopped. Null for those that report their progress.
  void (*arrange_endless)(StepHarness&) = nullptr;
  // Sets up a step that holds `secret` where its secrets belong and fails; null when the driver takes no secrets.
  void (*arrange_secret)(StepHarness&, const std::string& secret) = nullptr;
  // Everything the step left outside the database, as comparable text ("" when nothing): a writer's files with their
  // bytes, a target table's rows. Null for drivers that do not write.
  std::string (*written)(StepHarness&) = nullptr;
};

// Defined once per test program, by the driver under test.
const DriverRow& driver_row();

}  // namespace osiris::worker::test
